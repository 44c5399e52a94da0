/* The value parsers: text -> value or error, each text with no byte behind it that may be read. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "parse.h"

#define UNTOUCHED 0x5a5a5a5a5a5a5a5aULL
#define HOUR_NS   3600000000000ULL

struct row {
	const char *text;
	int err;
	uint64_t value;
};

typedef int (*parse_fn)(struct span text, uint64_t min, uint64_t max, uint64_t *ret);

/* A heap copy without its NUL: ASan sees a read beyond the text. */
static struct span copy(const char *text)
{
	size_t len = strlen(text);
	char *bytes = malloc(len ? len : 1);

	assert_non_null(bytes);
	memcpy(bytes, text, len);
	return (struct span){bytes, len};
}

static void check(parse_fn parse, uint64_t min, uint64_t max, const struct row *rows, size_t cnt)
{
	struct span text;
	uint64_t value;
	size_t i;
	int err;

	for (i = 0; i < cnt; i++) {
		text = copy(rows[i].text);
		value = UNTOUCHED;
		err = parse(text, min, max, &value);
		free((void *)text.at);
		if (err != rows[i].err || value != (err ? UNTOUCHED : rows[i].value))
			fail_msg("\"%s\": %d, %llu", rows[i].text, err, (unsigned long long)value);
	}
}

#define CHECK(parse, min, max, rows) check(parse, min, max, rows, sizeof(rows) / sizeof((rows)[0]))

static void numbers(void **state)
{
	static const struct row rows[] = {
		{"5", 0, 5},
		{"1000", 0, 1000},
		{"0005", 0, 5},
		{"4", -ERANGE, 0},
		{"1001", -ERANGE, 0},
		{"18446744073709551616", -ERANGE, 0},
		{"", -EINVAL, 0},
		{"x", -EINVAL, 0},
		{"5x", -EINVAL, 0},
		{"5.0", -EINVAL, 0},
		{"5.", -EINVAL, 0},
		{" 5", -EINVAL, 0},
		{"5 ", -EINVAL, 0},
		{"+5", -EINVAL, 0},
		{"-5", -EINVAL, 0},
		{"0x10", -EINVAL, 0},
		{"1e2", -EINVAL, 0},
		{"99999999999999999999x", -EINVAL, 0},
	};
	static const struct row full[] = {
		{"0", 0, 0},
		{"18446744073709551615", 0, UINT64_MAX},
		{"18446744073709551616", -ERANGE, 0},
		{"28446744073709551615", -ERANGE, 0},
	};

	(void)state;
	CHECK(parse__number, 5, 1000, rows);
	CHECK(parse__number, 0, UINT64_MAX, full);
}

static void times(void **state)
{
	static const struct row rows[] = {
		{"0", 0, 0},
		{"0s", 0, 0},
		{"0.0h", 0, 0},
		{"10", 0, 10000000000},
		{"10s", 0, 10000000000},
		{"500ms", 0, 500000000},
		{"7us", 0, 7000},
		{"2m", 0, 120000000000},
		{"1h", 0, HOUR_NS},
		{"1.5s", 0, 1500000000},
		{"1.5", 0, 1500000000},
		{"0.25m", 0, 15000000000},
		{"0.1h", 0, 360000000000},
		{"0.000000001", 0, 1},
		{"1.0000000019", 0, 1000000001},
		{"1000h", 0, 1000 * HOUR_NS},
		{"0.0000000009", -ERANGE, 0},
		{"1000.1h", -ERANGE, 0},
		{"99999999999999999999", -ERANGE, 0},
		{"18446744073.709551616", -ERANGE, 0},
		{"", -EINVAL, 0},
		{"s", -EINVAL, 0},
		{".5s", -EINVAL, 0},
		{"5.s", -EINVAL, 0},
		{"1..5", -EINVAL, 0},
		{"5S", -EINVAL, 0},
		{"5sec", -EINVAL, 0},
		{"5ns", -EINVAL, 0},
		{"1m30s", -EINVAL, 0},
		{"-1s", -EINVAL, 0},
		{"1 s", -EINVAL, 0},
		{"inf", -EINVAL, 0},
		{"nan", -EINVAL, 0},
	};

	(void)state;
	CHECK(parse__time, 0, 1000 * HOUR_NS, rows);
}

static void bytes(void **state)
{
	static const struct row rows[] = {
		{"1", 0, 1},
		{"524288", 0, 524288},
		{"512K", 0, 524288},
		{"512k", 0, 524288},
		{"2M", 0, 2 << 20},
		{"2m", 0, 2 << 20},
		{"3G", 0, 3ULL << 30},
		{"3g", 0, 3ULL << 30},
		{"0", -ERANGE, 0},
		{"0K", -ERANGE, 0},
		{"4097G", -ERANGE, 0},
		{"17179869184G", -ERANGE, 0},
		{"", -EINVAL, 0},
		{"K", -EINVAL, 0},
		{"1.5K", -EINVAL, 0},
		{"1KB", -EINVAL, 0},
		{"1T", -EINVAL, 0},
		{"-1", -EINVAL, 0},
	};

	(void)state;
	CHECK(parse__bytes, 1, 4096ULL << 30, rows);
}

static void percents(void **state)
{
	static const struct row rows[] = {
		{"5", 0, 50000},
		{"5%", 0, 50000},
		{"0.1", 0, 1000},
		{"2.5%", 0, 25000},
		{"100", 0, 1000000},
		{"0", -ERANGE, 0},
		{"0.00001", -ERANGE, 0},
		{"0.0999", -ERANGE, 0},
		{"100.0001", -ERANGE, 0},
		{"%", -EINVAL, 0},
		{"5%%", -EINVAL, 0},
		{"five", -EINVAL, 0},
		{"-5", -EINVAL, 0},
	};

	(void)state;
	CHECK(parse__percent, 1000, 1000000, rows);
}

#define PATH_107                                                                                   \
	"/2345678901234567890123456789012345678901234567890123456789012345678901234567890123456"   \
	"789012345678901234567"

static void addresses(void **state)
{
	static const struct {
		const char *text;
		int err;
		enum address_kind kind;
		const char *name;
		uint16_t port;
	} rows[] = {
		{"off", 0, ADDRESS_OFF, "", 0},
		{"127.0.0.1:6060", 0, ADDRESS_TCP, "127.0.0.1", 6060},
		{"localhost:0", 0, ADDRESS_TCP, "localhost", 0},
		{"my-host.example:65535", 0, ADDRESS_TCP, "my-host.example", 65535},
		{"[::1]:6060", 0, ADDRESS_TCP, "::1", 6060},
		{"[::]:1", 0, ADDRESS_TCP, "::", 1},
		{"[fe80::1%eth0]:1", 0, ADDRESS_TCP, "fe80::1%eth0", 1},
		{"unix:/run/bpfprof.sock", 0, ADDRESS_UNIX, "/run/bpfprof.sock", 0},
		{"unix:a:b", 0, ADDRESS_UNIX, "a:b", 0},
		{"unix:" PATH_107, 0, ADDRESS_UNIX, PATH_107, 0},
		{"unix:" PATH_107 "8", -ERANGE, 0, NULL, 0},
		{"unix:", -EINVAL, 0, NULL, 0},
		{"", -EINVAL, 0, NULL, 0},
		{":", -EINVAL, 0, NULL, 0},
		{"Off", -EINVAL, 0, NULL, 0},
		{"6060", -EINVAL, 0, NULL, 0},
		{":6060", -EINVAL, 0, NULL, 0},
		{"localhost", -EINVAL, 0, NULL, 0},
		{"localhost:", -EINVAL, 0, NULL, 0},
		{"localhost:http", -EINVAL, 0, NULL, 0},
		{"localhost:65536", -ERANGE, 0, NULL, 0},
		{"localhost:-1", -EINVAL, 0, NULL, 0},
		{"::1:6060", -EINVAL, 0, NULL, 0},
		{"[::1]", -EINVAL, 0, NULL, 0},
		{"[]:1", -EINVAL, 0, NULL, 0},
		{"[:1", -EINVAL, 0, NULL, 0},
		{"[127.0.0.1]:1", -EINVAL, 0, NULL, 0},
		{"[::1%]:1", -EINVAL, 0, NULL, 0},
		{"[::1%a/b]:1", -EINVAL, 0, NULL, 0},
		{"300.0.0.1:1", -EINVAL, 0, NULL, 0},
		{"127.1:1", -EINVAL, 0, NULL, 0},
		{"a b:1", -EINVAL, 0, NULL, 0},
		{"http://localhost:1", -EINVAL, 0, NULL, 0},
	};
	struct address address, untouched;
	struct span text;
	size_t i;
	int err;

	(void)state;
	memset(&untouched, 0x5a, sizeof(untouched));
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		text = copy(rows[i].text);
		address = untouched;
		err = parse__address(text, &address);
		free((void *)text.at);
		if (err != rows[i].err)
			fail_msg("\"%s\": %d", rows[i].text, err);
		if (err) {
			assert_memory_equal(&address, &untouched, sizeof(address));
			continue;
		}
		assert_int_equal(address.kind, rows[i].kind);
		assert_string_equal(
			address.kind == ADDRESS_UNIX ? address.path : address.host, rows[i].name);
		assert_int_equal(address.port, rows[i].port);
	}
}

/* A name that a NUL cuts short would not be the one that was checked. */
static void address_with_nul(void **state)
{
	struct address address;

	(void)state;
	assert_int_equal(parse__address((struct span){"unix:a\0b", 8}, &address), -EINVAL);
	assert_int_equal(parse__address((struct span){"a\0b:1", 5}, &address), -EINVAL);
}

static void splits(void **state)
{
	static const struct {
		const char *text, *members[4];
	} rows[] = {
		{"", {""}},
		{"a", {"a"}},
		{"a,", {"a", ""}},
		{",", {"", ""}},
		{"a,,bc", {"a", "", "bc"}},
	};
	struct span list, member;
	char *bytes;
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		list = copy(rows[i].text);
		bytes = (char *)list.at;
		for (j = 0; parse__split(&list, ',', &member); j++) {
			assert_non_null(rows[i].members[j]);
			assert_true(span__equals(member, rows[i].members[j]));
		}
		assert_null(rows[i].members[j]);
		assert_null(list.at);
		free(bytes);
	}
}

static void sets(void **state)
{
	static const char *const names[] = {"cpu", "heap", "cp"};
	static const struct {
		const char *text;
		uint32_t before;
		int err;
		uint32_t after;
		const char *bad;
	} rows[] = {
		{"cpu", 0, 0, 1, NULL},
		{"cp,cpu", 0, 0, 5, NULL},
		{"heap", 1, 0, 3, NULL},
		{"heap", 2, -EEXIST, 2, "heap"},
		{"cpu,cpu", 0, -EEXIST, 0, "cpu"},
		{"cpu,c", 0, -EINVAL, 0, "c"},
		{"cpu,heaps", 0, -EINVAL, 0, "heaps"},
		{"", 0, -ENODATA, 0, ""},
		{"cpu,", 4, -ENODATA, 4, ""},
	};
	struct span text, bad;
	uint32_t set;
	size_t i;
	int err;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		text = copy(rows[i].text);
		set = rows[i].before;
		err = parse__set(text, names, 3, &set, &bad);
		assert_int_equal(err, rows[i].err);
		assert_int_equal(set, rows[i].after);
		if (err)
			assert_true(span__equals(bad, rows[i].bad));
		free((void *)text.at);
	}
}

static void pid_lists(void **state)
{
	static const struct {
		const char *text;
		int err;
		const char *bad;
	} rows[] = {
		{"4194304", 0, NULL},
		{"2,3", 0, NULL},
		{"2,3,4", -E2BIG, "4"},
		{"1", -EEXIST, "1"},
		{"2,2", -EEXIST, "2"},
		{"0", -ERANGE, "0"},
		{"2,4194305", -ERANGE, "4194305"},
		{"2,x", -EINVAL, "x"},
		{"2,", -ENODATA, ""},
	};
	struct span text, bad;
	pid_t pids[3];
	size_t i, cnt;
	int err;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		text = copy(rows[i].text);
		pids[0] = 1;
		cnt = 1;
		err = parse__pids(text, pids, 3, &cnt, &bad);
		assert_int_equal(err, rows[i].err);
		if (err) {
			assert_int_equal(cnt, 1);
			assert_true(span__equals(bad, rows[i].bad));
		}
		free((void *)text.at);
	}
	cnt = 0;
	assert_int_equal(parse__pids(span__of("9,8"), pids, 3, &cnt, &bad), 0);
	assert_int_equal(cnt, 2);
	assert_int_equal(pids[0], 9);
	assert_int_equal(pids[1], 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(times),
		cmocka_unit_test(bytes),
		cmocka_unit_test(percents),
		cmocka_unit_test(addresses),
		cmocka_unit_test(address_with_nul),
		cmocka_unit_test(splits),
		cmocka_unit_test(sets),
		cmocka_unit_test(pid_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
