// SPDX-License-Identifier: GPL-2.0
/* Numbers in a query as Go's strconv reads them. */
#include "serve/number.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

int number__parse(const char *text, int64_t *ret)
{
	bool is_negative = *text == '-', is_out = false;
	uint64_t limit = is_negative ? (uint64_t)INT64_MAX + 1 : INT64_MAX, number = 0;

	if (*text == '-' || *text == '+')
		text++;
	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		unsigned int digit = (unsigned char)*text - '0';

		if (digit > 9)
			return -EINVAL;
		is_out = is_out || number > (limit - digit) / 10;
		if (!is_out)
			number = number * 10 + digit;
	}
	if (is_out)
		number = limit;
	*ret = is_negative ? (int64_t)-number : (int64_t)number;
	return is_out ? -ERANGE : 0;
}

int64_t number__or_zero(const char *text)
{
	int64_t number = 0;

	if (!text || number__parse(text, &number) == -EINVAL)
		return 0;
	return number;
}

static unsigned int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned int)(c - '0');
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? (unsigned int)(c - 'a') + 10 : 99;
}

uint64_t number__address(const char *text, unsigned long bytes)
{
	unsigned int base = 10, digit;
	unsigned long i = 0;
	uint64_t number = 0;

	if (bytes > 1 && text[0] == '0') {
		char prefix = text[1] | 0x20;

		base = prefix == 'x' ? 16 : prefix == 'b' ? 2 : 8;
		i = prefix == 'x' || prefix == 'b' || prefix == 'o' ? 2 : 1;
	}
	if (i == bytes)
		return 0;
	for (; i < bytes; i++) {
		digit = digit_of(text[i]);
		if (digit >= base || number > (UINT64_MAX - digit) / base)
			return 0;
		number = number * base + digit;
	}
	return number;
}
