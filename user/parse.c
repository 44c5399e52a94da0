/* Parsers of option values, from text to a value in the unit that its name states. */
#include "parse.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

struct unit {
	const char *name;
	uint64_t factor;
};

struct span span__of(const char *text)
{
	return (struct span){text, strlen(text)};
}

bool span__equals(struct span span, const char *text)
{
	return span.len == strlen(text) && !memcmp(span.at, text, span.len);
}

/* isdigit(3) and isalnum(3) follow the locale. */
static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static size_t span__digit_cnt(struct span text)
{
	size_t cnt = 0;

	while (cnt < text.len && is_digit(text.at[cnt]))
		cnt++;
	return cnt;
}

static struct span span__skip(struct span text, size_t cnt)
{
	return (struct span){text.at + cnt, text.len - cnt};
}

/* digits x factor + 0.fraction x factor, truncated. Both spans are digits only. */
static int scale_decimal(
	struct span digits, struct span fraction, uint64_t factor, uint64_t *ret_value)
{
	bool positive = false;
	uint64_t value = 0;
	size_t i;

	for (i = 0; i < digits.len; i++) {
		positive |= digits.at[i] != '0';
		if (__builtin_mul_overflow(value, 10, &value) ||
			__builtin_add_overflow(value, digits.at[i] - '0', &value))
			return -ERANGE;
	}
	if (__builtin_mul_overflow(value, factor, &value))
		return -ERANGE;
	for (i = 0; i < fraction.len; i++) {
		positive |= fraction.at[i] != '0';
		factor /= 10;
		if (__builtin_add_overflow(value, (fraction.at[i] - '0') * factor, &value))
			return -ERANGE;
	}
	if (positive && !value)
		return -ERANGE;
	*ret_value = value;
	return 0;
}

/* A number and one of the units, of which the last has factor 0; fractions where asked for. */
static int parse_scaled(struct span text, const struct unit *units, bool fractions, uint64_t min,
	uint64_t max, uint64_t *ret_value)
{
	struct span digits = {text.at, span__digit_cnt(text)}, fraction = {NULL, 0};
	uint64_t value;
	int err;

	if (!digits.len)
		return -EINVAL;
	text = span__skip(text, digits.len);
	if (fractions && text.len && text.at[0] == '.') {
		text = span__skip(text, 1);
		fraction = (struct span){text.at, span__digit_cnt(text)};
		if (!fraction.len)
			return -EINVAL;
		text = span__skip(text, fraction.len);
	}
	while (units->factor && !span__equals(text, units->name))
		units++;
	if (!units->factor)
		return -EINVAL;
	err = scale_decimal(digits, fraction, units->factor, &value);
	if (err)
		return err;
	if (value < min || value > max)
		return -ERANGE;
	*ret_value = value;
	return 0;
}

int parse__number(struct span text, uint64_t min, uint64_t max, uint64_t *ret_number)
{
	static const struct unit units[] = {{"", 1}, {NULL, 0}};

	return parse_scaled(text, units, false, min, max, ret_number);
}

int parse__time(struct span text, uint64_t min_ns, uint64_t max_ns, uint64_t *ret_ns)
{
	static const struct unit units[] = {
		{"", 1000000000ULL},
		{"s", 1000000000ULL},
		{"ms", 1000000ULL},
		{"us", 1000ULL},
		{"m", 60 * 1000000000ULL},
		{"h", 3600 * 1000000000ULL},
		{NULL, 0},
	};

	return parse_scaled(text, units, true, min_ns, max_ns, ret_ns);
}

int parse__bytes(struct span text, uint64_t min_bytes, uint64_t max_bytes, uint64_t *ret_bytes)
{
	static const struct unit units[] = {
		{"", 1},
		{"K", 1 << 10},
		{"k", 1 << 10},
		{"M", 1 << 20},
		{"m", 1 << 20},
		{"G", 1 << 30},
		{"g", 1 << 30},
		{NULL, 0},
	};

	return parse_scaled(text, units, false, min_bytes, max_bytes, ret_bytes);
}

int parse__percent(struct span text, uint64_t min_ppm, uint64_t max_ppm, uint64_t *ret_ppm)
{
	static const struct unit units[] = {{"", 10000}, {"%", 10000}, {NULL, 0}};

	return parse_scaled(text, units, true, min_ppm, max_ppm, ret_ppm);
}

/* A name's letters, digits, dots, dashes and underscores; one that looks like IPv4 must be it. */
static bool is_host(const char *host)
{
	struct in_addr addr;
	const char *c;

	for (c = host; *c; c++)
		if (!is_alnum(*c) && !strchr(".-_", *c))
			return false;
	if (!host[0] || strchr(".-", host[0]))
		return false;
	return host[strspn(host, "0123456789.")] || inet_pton(AF_INET, host, &addr) == 1;
}

/* fe80::1%eth0: the zone is an interface's name or number. */
static bool is_ipv6(const char *host)
{
	const char *percent = strchrnul(host, '%'), *c;
	char number[INET6_ADDRSTRLEN];
	struct in6_addr addr;

	if ((size_t)(percent - host) >= sizeof(number) || (percent[0] && !percent[1]))
		return false;
	memcpy(number, host, percent - host);
	number[percent - host] = '\0';
	for (c = percent; *c; c++)
		if (c != percent && !is_alnum(*c) && !strchr(".-_@", *c))
			return false;
	return inet_pton(AF_INET6, number, &addr) == 1;
}

static int copy_text(char *buf, size_t size, struct span text)
{
	if (!text.len || memchr(text.at, '\0', text.len))
		return -EINVAL;
	if (text.len >= size)
		return -ERANGE;
	memcpy(buf, text.at, text.len);
	buf[text.len] = '\0';
	return 0;
}

static int parse_tcp(struct span text, struct address *address)
{
	const char *colon = text.len ? memrchr(text.at, ':', text.len) : NULL;
	struct span host, port;
	bool bracketed;
	uint64_t number;
	int err;

	if (!colon)
		return -EINVAL;
	host = (struct span){text.at, colon - text.at};
	port = span__skip(text, host.len + 1);
	bracketed = host.len >= 2 && host.at[0] == '[' && host.at[host.len - 1] == ']';
	if (bracketed)
		host = (struct span){host.at + 1, host.len - 2};
	err = copy_text(address->host, sizeof(address->host), host);
	if (err)
		return err;
	if (bracketed ? !is_ipv6(address->host) : !is_host(address->host))
		return -EINVAL;
	err = parse__number(port, 0, UINT16_MAX, &number);
	if (err)
		return err;
	address->kind = ADDRESS_TCP;
	address->port = number;
	return 0;
}

int parse__address(struct span text, struct address *ret_address)
{
	struct address address = {.kind = ADDRESS_OFF};
	int err = 0;

	if (text.len >= 5 && !memcmp(text.at, "unix:", 5)) {
		address.kind = ADDRESS_UNIX;
		err = copy_text(address.path, sizeof(address.path), span__skip(text, 5));
	} else if (!span__equals(text, "off")) {
		err = parse_tcp(text, &address);
	}
	if (!err)
		*ret_address = address;
	return err;
}

bool parse__split(struct span *list, char sep, struct span *ret_member)
{
	const char *end;

	if (!list->at)
		return false;
	end = list->len ? memchr(list->at, sep, list->len) : NULL;
	if (!end) {
		*ret_member = *list;
		*list = (struct span){NULL, 0};
		return true;
	}
	*ret_member = (struct span){list->at, end - list->at};
	*list = span__skip(*list, ret_member->len + 1);
	return true;
}

int parse__set(struct span list, const char *const *names, size_t name_cnt, uint32_t *set,
	struct span *ret_bad)
{
	struct span member;
	uint32_t all = *set;
	size_t i;

	while (parse__split(&list, ',', &member)) {
		for (i = 0; i < name_cnt && !span__equals(member, names[i]); i++)
			;
		if (i < name_cnt && !(all & 1U << i)) {
			all |= 1U << i;
			continue;
		}
		*ret_bad = member;
		if (!member.len)
			return -ENODATA;
		return i < name_cnt ? -EEXIST : -EINVAL;
	}
	*set = all;
	return 0;
}

int parse__pids(
	struct span list, pid_t *pids, size_t pids_max, size_t *pid_cnt, struct span *ret_bad)
{
	size_t cnt = *pid_cnt, i;
	struct span member;
	uint64_t pid = 0;
	int err;

	while (parse__split(&list, ',', &member)) {
		err = member.len ? parse__number(member, 1, PARSE_PID_MAX, &pid) : -ENODATA;
		for (i = 0; !err && i < cnt; i++)
			if (pids[i] == (pid_t)pid)
				err = -EEXIST;
		if (!err && cnt == pids_max)
			err = -E2BIG;
		if (err) {
			*ret_bad = member;
			return err;
		}
		pids[cnt++] = pid;
	}
	*pid_cnt = cnt;
	return 0;
}
