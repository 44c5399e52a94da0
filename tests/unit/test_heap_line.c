// SPDX-License-Identifier: GPL-2.0
/* The heap line and the summary, word for word; what the guard decides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "collect/heap_guard.h"
#include "output/heap_line.h"

#define MB (1ll << 20)

static void check_line(const struct heap_line *line, const char *want)
{
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	assert_int_equal(heap_line__print(line, out), 0);
	fclose(out);
	assert_string_equal(text, want);
	free(text);
}

static void test_lines(void **state)
{
	struct heap_line line = {
		.number = 12,
		.age_ns = 12004999999ull,
		.allocator_percent = 3,
		.interval_ns = 2000000000,
		.alloc_cnt = 96422,
		.free_cnt = 95806,
		.alloc_bytes = 841 * MB,
		.start_bytes = 559 * MB,
		.peak_bytes = 612 * MB,
		.end_bytes = 610 * MB,
		.objects = 131072,
		.rss_bytes = 655 * MB,
		.limit_bytes = 2048 * MB,
		.cpu_cnt = 2,
		.comm = "a\nb",
		.pid = 7,
	};

	(void)state;
	check_line(&line,
		"heap 12 @12.004s 3%: 48211+47903 ops/s, 559->612->610 MB, 841 MB allocated, 131072 objects, "
		"655 MB rss, 2048 MB limit, 2 P lost=0\n");
	line.allocator_percent = -1;
	line.limit_bytes = 0;
	line.lost_cnt = 5;
	line.names_process = true;
	line.end_bytes = -5 * MB; /* an estimate */
	line.objects = -1;
	line.interval_ns = 0;
	check_line(&line,
		"heap 12 @12.004s -: 0+0 ops/s, 559->612->0 MB, 841 MB allocated, 0 objects, 655 MB rss, - limit, "
		"2 P lost=5 pid=7 comm=a\\nb\n");
}

static void test_summary(void **state)
{
	struct heap_summary summary = {404, 753750, 289500, 240000, 70};
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	(void)state;
	assert_int_equal(heap_summary__print(&summary, out), 0);
	fclose(out);
	assert_string_equal(text,
		"heap: 404 allocs, 753750 B allocated, 289500 B peak, 240000 B in 70 objects still in use\n");
	free(text);
}

static void test_guard(void **state)
{
	struct heap_guard guard = {0};
	int i;

	(void)state;
	/* one round above the limit is forgiven, a second one in a row is not */
	assert_int_equal(heap_guard__judge(&guard, 0.05, 0.06, 0.01, 0), HEAP_GUARD_GO_ON);
	assert_int_equal(heap_guard__judge(&guard, 0.05, 0.01, 0.01, 0), HEAP_GUARD_GO_ON);
	assert_int_equal(heap_guard__judge(&guard, 0.05, 0.06, 0.01, 0), HEAP_GUARD_GO_ON);
	assert_int_equal(heap_guard__judge(&guard, 0.05, 0.06, 0.01, 0), HEAP_GUARD_THIN);
	guard.thin = 1;
	/* twice its allocating probes would fit */
	for (i = 0; i < 3; i++)
		assert_int_equal(heap_guard__judge(&guard, 0.05, 0.01, 0.01, 0), HEAP_GUARD_GO_ON);
	assert_int_equal(heap_guard__judge(&guard, 0.05, 0.01, 0.01, 0), HEAP_GUARD_THICKEN);
	/* what frees costs is too much alone */
	guard.thin = 0;
	assert_int_equal(heap_guard__judge(&guard, 0.05, 0.06, 0.06, 0), HEAP_GUARD_GO_ON);
	assert_int_equal(heap_guard__judge(&guard, 0.05, 0.06, 0.06, 0), HEAP_GUARD_DETACH);
	guard.thin = 3;
	assert_int_equal(heap_guard__judge(&guard, 0.05, 0.06, 0.01, 0), HEAP_GUARD_GO_ON);
	assert_int_equal(heap_guard__judge(&guard, 0.05, 0.06, 0.01, 0), HEAP_GUARD_DETACH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_summary),
		cmocka_unit_test(test_guard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
