// SPDX-License-Identifier: GPL-2.0
/* A moment in a query. */
#include "serve/moment.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#define SECONDS_MAX 253402300799 /* the year 9999 */

/* cnt digits as a number; -1: they are none. */
static int digits(const char **text, int cnt)
{
	int number = 0;

	for (; cnt; cnt--, (*text)++) {
		if (!isdigit((unsigned char)**text))
			return -1;
		number = 10 * number + (**text - '0');
	}
	return number;
}

static bool skip(const char **text, const char *chars)
{
	if (!**text || !strchr(chars, **text))
		return false;
	(*text)++;
	return true;
}

/* ".5": milliseconds, the rest is cut off. */
static int fraction(const char **text, int64_t *ret_ms)
{
	int unit;

	*ret_ms = 0;
	if (!skip(text, "."))
		return 0;
	if (!isdigit((unsigned char)**text))
		return -EINVAL;
	for (unit = 100; isdigit((unsigned char)**text); (*text)++, unit /= 10)
		*ret_ms += unit * (**text - '0');
	return 0;
}

/* "Z", "+01:00": seconds east of Greenwich. */
static int offset(const char **text, int *ret_s)
{
	bool is_west = **text == '-';
	int hours, minutes;

	*ret_s = 0;
	if (skip(text, "Zz"))
		return 0;
	if (!skip(text, "+- "))
		return -EINVAL;
	hours = digits(text, 2);
	if (hours < 0 || hours > 23 || !skip(text, ":"))
		return -EINVAL;
	minutes = digits(text, 2);
	if (minutes < 0 || minutes > 59)
		return -EINVAL;
	*ret_s = (is_west ? -1 : 1) * (3600 * hours + 60 * minutes);
	return 0;
}

static int month__days(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month] + (month == 1 && is_leap);
}

static int moment__parse_date(const char *text, int64_t *ret_ms)
{
	struct tm utc = {0};
	int64_t ms, seconds;
	int offset_s;

	utc.tm_year = digits(&text, 4) - 1900;
	if (utc.tm_year < 70 || !skip(&text, "-"))
		return -EINVAL;
	utc.tm_mon = digits(&text, 2) - 1;
	if (utc.tm_mon < 0 || !skip(&text, "-"))
		return -EINVAL;
	utc.tm_mday = digits(&text, 2);
	if (utc.tm_mday < 1 || !skip(&text, "Tt"))
		return -EINVAL;
	utc.tm_hour = digits(&text, 2);
	if (utc.tm_hour < 0 || !skip(&text, ":"))
		return -EINVAL;
	utc.tm_min = digits(&text, 2);
	if (utc.tm_min < 0 || !skip(&text, ":"))
		return -EINVAL;
	utc.tm_sec = digits(&text, 2);
	if (utc.tm_sec < 0 || fraction(&text, &ms) || offset(&text, &offset_s) || *text)
		return -EINVAL;
	/* No leap seconds: Unix time has none. */
	if (utc.tm_mon > 11 || utc.tm_mday > month__days(utc.tm_year + 1900, utc.tm_mon) ||
		utc.tm_hour > 23 || utc.tm_min > 59 || utc.tm_sec > 59)
		return -EINVAL;
	seconds = timegm(&utc);
	*ret_ms = (seconds - offset_s) * 1000 + ms;
	return 0;
}

int moment__parse(const char *text, int64_t *ret_ms)
{
	int64_t seconds = 0, ms;
	const char *at = text;

	for (; isdigit((unsigned char)*at) && seconds <= SECONDS_MAX; at++)
		seconds = 10 * seconds + (*at - '0');
	if (*at == '-' && at == text + 4)
		return moment__parse_date(text, ret_ms);
	if (at == text || seconds > SECONDS_MAX || fraction(&at, &ms) || *at)
		return -EINVAL;
	*ret_ms = seconds * 1000 + ms;
	return 0;
}
