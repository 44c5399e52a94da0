// SPDX-License-Identifier: GPL-2.0
/* The SCHED line letter by letter, and its percentiles against sorted waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "collect/cpu_mask.h"
#include "output/sched_line.h"

/* The BPF program's own code, compiled for the host. */
#include "sched_wait.bpf.h"

#define WAIT_CNT 20000u

static void histogram__add(struct wait_histogram *histogram, uint64_t wait_ns)
{
	uint32_t bucket = sched_wait__bucket(wait_ns);

	assert_true(bucket < SCHED_WAIT_BUCKETS);
	histogram->cnt[bucket]++;
	histogram->total++;
	if (wait_ns > histogram->max_ns)
		histogram->max_ns = wait_ns;
}

static char *line__text(
	const struct sched_snapshot *snapshot, int (*print)(const struct sched_snapshot *, FILE *))
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	assert_non_null(out);
	assert_int_equal(print(snapshot, out), 0);
	fclose(out);
	return text;
}

static void line__check(const struct sched_snapshot *snapshot,
	int (*print)(const struct sched_snapshot *, FILE *), const char *expected)
{
	char *text = line__text(snapshot, print);

	assert_string_equal(text, expected);
	free(text);
}

static void test_line(void **state)
{
	static const struct sched_cpu_figures cpus[] = {
		{.cpu = 0, .waiting_cnt = 2}, {.cpu = 1, .waiting_cnt = 1}};
	struct sched_snapshot snapshot = {.elapsed_ns = 1009999999,
		.cpu_cnt = 2,
		.idle_cpu_cnt = 1,
		.thread_cnt = 214,
		.idle_thread_cnt = 210,
		.waiting_cnt = 3,
		.switch_cnt = 5310,
		.cpus = cpus};
	int i;

	(void)state;
	/* A percentile is read in the middle of its bucket: 180000 lies in 163840 to 180223. */
	for (i = 0; i < 98; i++)
		histogram__add(&snapshot.waits, 4096);
	histogram__add(&snapshot.waits, 180000);
	histogram__add(&snapshot.waits, 950999);
	line__check(&snapshot, sched_line__print,
		"SCHED 1009ms: cpus=2 idlecpus=1 threads=214 spinningthreads=0 idlethreads=210 runqueue=3 [2 1] "
		"switches=5310 wait(us)=p50:4,p99:172,max:950 lost=0\n");
}

static void test_line_of_nothing(void **state)
{
	struct sched_snapshot snapshot = {0};

	(void)state;
	line__check(&snapshot, sched_line__print,
		"SCHED 0ms: cpus=0 idlecpus=0 threads=0 spinningthreads=0 idlethreads=0 runqueue=0 [] "
		"switches=0 wait(us)=p50:0,p99:0,max:0 lost=0\n");
}

static void test_line_of_many_cpus(void **state)
{
	struct sched_cpu_figures *cpus = calloc(4096, sizeof(*cpus));
	struct sched_snapshot snapshot = {.cpu_cnt = 4096, .cpus = cpus};
	const char *at;
	char *text;
	int i;

	(void)state;
	assert_non_null(cpus);
	for (i = 0; i < 4096; i++)
		cpus[i].waiting_cnt = (uint32_t)i;
	text = line__text(&snapshot, sched_line__print);
	at = strchr(text, '[');
	for (i = 0; i < 4096; i++)
		assert_int_equal(strtol(at + 1, (char **)&at, 10), i);
	assert_string_equal(at, "] switches=0 wait(us)=p50:0,p99:0,max:0 lost=0\n");
	free(text);
	free(cpus);
}

static void test_detail(void **state)
{
	static const struct sched_cpu_figures cpus[] = {
		{.cpu = 0, .waiting_cnt = 2, .running_tid = 4242, .switch_cnt = 17},
		{.cpu = 3, .is_idle = true}};
	static const struct sched_thread_record records[] = {{.tid = 4242,
								     .pid = 4200,
								     .state = SCHED_THREAD_RUNNING,
								     .oncpu_ns = 431000999,
								     .wait_ns = 12000,
								     .switches = 9,
								     .comm = "busy"},
		{.tid = 5, .pid = 5, .cpu = 3, .state = 99, .comm = "a\x1b[2J\n\x9b"},
		{.tid = 6, .pid = 6, .state = SCHED_THREAD_WAITING, .comm = "sixteen letters!"}};
	struct sched_snapshot snapshot = {
		.cpu_cnt = 2, .cpus = cpus, .thread_cnt = 5, .records = records, .record_cnt = 3};
	char *text = line__text(&snapshot, sched_line__print_detail);
	static const char expected[] =
		"  P0: status=running runqsize=2 switches=17 m=4242\n"
		"  P3: status=idle runqsize=0 switches=0 m=nil\n"
		"  M4242: p=0 status=running pid=4200 oncpu(us)=431000 wait(us)=12 switches=9 comm=busy\n"
		"  M5: p=3 status=? pid=5 oncpu(us)=0 wait(us)=0 switches=0 comm=a\\x1b[2J\\n\\x9b\n"
		"  M6: p=0 status=waiting pid=6 oncpu(us)=0 wait(us)=0 switches=0 comm=sixteen letters!\n"
		"  ... 2 more threads\n";

	(void)state;
	assert_string_equal(text, expected);
	free(text);
}

static void test_buckets(void **state)
{
	uint64_t wait_ns;
	uint32_t bucket;

	(void)state;
	for (bucket = 0; bucket < SCHED_WAIT_BUCKETS; bucket++) {
		uint64_t floor_ns = wait_histogram__floor_ns(bucket),
			 next_ns = wait_histogram__floor_ns(bucket + 1);

		assert_true(floor_ns < next_ns);
		assert_int_equal(sched_wait__bucket(floor_ns), bucket);
		assert_int_equal(sched_wait__bucket(next_ns - 1), bucket);
	}
	for (wait_ns = 1; wait_ns; wait_ns <<= 1)
		assert_int_equal(log2_floor(wait_ns | wait_ns >> 1), __builtin_ctzll(wait_ns));
	assert_int_equal(sched_wait__bucket(1ull << 41), SCHED_WAIT_BUCKETS - 1);
	assert_int_equal(sched_wait__bucket(UINT64_MAX), SCHED_WAIT_BUCKETS - 1);
}

static int wait__compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left < right ? -1 : left > right;
}

/* Waits of all magnitudes; xorshift64 (Marsaglia 2003), so that a failure can be repeated. */
static uint64_t wait__random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed >> 24 >> *seed % 40;
}

static void test_percentiles(void **state)
{
	static uint64_t waits[WAIT_CNT];
	uint64_t seed = 0x9e3779b97f4a7c15ull;
	uint32_t cnt, percent, i;

	(void)state;
	for (cnt = 1; cnt <= WAIT_CNT; cnt = cnt * 3 + 1) {
		struct wait_histogram histogram = {0};

		for (i = 0; i < cnt; i++) {
			waits[i] = wait__random(&seed);
			histogram__add(&histogram, waits[i]);
		}
		qsort(waits, cnt, sizeof(*waits), wait__compare);
		for (percent = 1; percent <= 100; percent++) {
			uint64_t exact = waits[(cnt * percent + 99) / 100 - 1];
			uint64_t got = wait_histogram__percentile_ns(&histogram, percent);

			/* The same bucket: at most an eighth off. */
			assert_int_equal(sched_wait__bucket(got), sched_wait__bucket(exact));
		}
		assert_true(wait_histogram__percentile_ns(&histogram, 100) <= waits[cnt - 1]);
	}
}

static void test_cpu_masks(void **state)
{
	static const char *const bad[] = {"x", "1-", "3-1", "1,x", "-1", "8192", "1 2"};
	struct cpu_mask mask;
	size_t i;

	(void)state;
	assert_int_equal(cpu_mask__parse("0-3,8,8191\n", &mask), 0);
	assert_true(
		cpu_mask__has(&mask, 0) && cpu_mask__has(&mask, 3) && cpu_mask__has(&mask, 8191));
	assert_false(
		cpu_mask__has(&mask, 4) || cpu_mask__has(&mask, 9) || cpu_mask__has(&mask, 8192));
	assert_int_equal(cpu_mask__parse("\n", &mask), 0);
	assert_false(cpu_mask__has(&mask, 0));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_not_equal(cpu_mask__parse(bad[i], &mask), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_line_of_nothing),
		cmocka_unit_test(test_line_of_many_cpus),
		cmocka_unit_test(test_detail),
		cmocka_unit_test(test_buckets),
		cmocka_unit_test(test_percentiles),
		cmocka_unit_test(test_cpu_masks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
