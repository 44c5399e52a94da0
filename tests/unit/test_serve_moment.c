// SPDX-License-Identifier: GPL-2.0
/* Moments in a query. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "serve/moment.h"

static const struct {
	const char *text;
	int64_t ms; /* -1: it is none */
} rows[] = {
	{"0", 0},
	{"1764108780", 1764108780000},
	{"1764108780.5", 1764108780500},
	{"1764108780.12399", 1764108780123},
	{"2025-11-25T22:13:00Z", 1764108780000},
	{"2025-11-25t22:13:00z", 1764108780000},
	{"2025-11-25T22:13:00.5Z", 1764108780500},
	{"2025-11-25T23:13:00+01:00", 1764108780000},
	{"2025-11-25T23:13:00 01:00", 1764108780000},
	{"2025-11-25T17:43:00-04:30", 1764108780000},
	{"2024-02-29T00:00:00Z", 1709164800000},
	{"1970-01-01T00:00:00Z", 0},
	{"2025-02-29T00:00:00Z", -1},
	{"2025-13-01T00:00:00Z", -1},
	{"2025-00-01T00:00:00Z", -1},
	{"2025-01-00T00:00:00Z", -1},
	{"2025-01-32T00:00:00Z", -1},
	{"2025-01-01T24:00:00Z", -1},
	{"2025-01-01T00:60:00Z", -1},
	{"2025-01-01T00:00:60Z", -1},
	{"2025-01-01T00:00:00", -1},
	{"2025-01-01T00:00:00.Z", -1},
	{"2025-01-01T00:00:00Z ", -1},
	{"2025-01-01T00:00:00+1:00", -1},
	{"2025-01-01T00:00:00+24:00", -1},
	{"2025-01-01", -1},
	{"2025-1-01T00:00:00Z", -1},
	{"1969-12-31T23:59:59Z", -1},
	{"", -1},
	{"-1", -1},
	{"+1", -1},
	{"1.", -1},
	{"1e9", -1},
	{" 1", -1},
	{"99999999999999999999", -1},
	{"now", -1},
};

static void moments(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t ms = -1;
		int err = moment__parse(rows[i].text, &ms);

		if (ms != rows[i].ms || (err != 0) != (rows[i].ms < 0))
			fail_msg("\"%s\": %lld, %d", rows[i].text, (long long)ms, err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(moments)};

	return cmocka_run_group_tests_name("serve_moment", tests, NULL, NULL);
}
