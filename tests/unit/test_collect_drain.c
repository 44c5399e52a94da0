// SPDX-License-Identifier: GPL-2.0
/* Emptying real BPF hash maps: every entry once, whatever their number. Needs root. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <cmocka.h>

#include "collect/drain.h"

#define NEEDS_ROOT()                                                                               \
	do {                                                                                       \
		if (geteuid())                                                                     \
			skip();                                                                    \
	} while (0)

#define CNT_MAX 20000u

static int samples_map(uint32_t max)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_HASH, "test_samples", sizeof(struct sample_key),
		sizeof(struct sample_value), max, NULL);

	assert_true(fd >= 0);
	return fd;
}

static void put(int fd, uint32_t i)
{
	struct sample_key key = {.stack = i * 0x9e3779b97f4a7c15ull, .pid = i};
	struct sample_value value = {.count = i + 1, .value = (i + 1) * 10ull};

	assert_int_equal(bpf_map_update_elem(fd, &key, &value, BPF_NOEXIST), 0);
}

struct seen {
	unsigned char cnt[CNT_MAX];
	uint32_t total;
	uint32_t stop_at; /* 0: never */
};

static int see(const struct sample_key *key, const uint64_t *values, void *arg)
{
	struct seen *seen = arg;

	assert_in_range(key->pid, 0, CNT_MAX - 1);
	assert_int_equal(values[0], key->pid + 1);
	assert_int_equal(values[1], (key->pid + 1) * 10ull);
	seen->cnt[key->pid]++;
	return ++seen->total == seen->stop_at ? -ECANCELED : 0;
}

static void every_entry_is_handed_out_once(void **state)
{
	static const uint32_t cnts[] = {0, 1, 2, 1000, 1023, 1024, 1025, 8192, CNT_MAX};
	size_t n;

	(void)state;
	NEEDS_ROOT();
	for (n = 0; n < sizeof(cnts) / sizeof(cnts[0]); n++) {
		struct seen *seen = calloc(1, sizeof(*seen));
		/* few buckets, so that they are long; and many, so that they are empty */
		int fd = samples_map(n % 2 ? CNT_MAX : cnts[n] + 1);
		uint32_t i;

		for (i = 0; i < cnts[n]; i++)
			put(fd, i);
		assert_int_equal(drain__samples(fd, see, seen), 0);
		assert_int_equal(seen->total, cnts[n]);
		for (i = 0; i < cnts[n]; i++)
			assert_int_equal(seen->cnt[i], 1);
		assert_int_equal(drain__samples(fd, see, seen), 0);
		assert_int_equal(seen->total, cnts[n]);
		free(seen);
		close(fd);
	}
}

static void an_error_of_the_receiver_ends_the_drain(void **state)
{
	struct seen *seen = calloc(1, sizeof(*seen));
	uint32_t i;
	int fd;

	(void)state;
	if (geteuid())
		free(seen);
	NEEDS_ROOT();
	fd = samples_map(5000);
	for (i = 0; i < 5000; i++)
		put(fd, i);
	seen->stop_at = 10;
	assert_int_equal(drain__samples(fd, see, seen), -ECANCELED);
	assert_int_equal(seen->total, 10);
	free(seen);
	close(fd);
}

static void what_is_no_map_is_an_error(void **state)
{
	struct seen *seen = calloc(1, sizeof(*seen));

	(void)state;
	assert_true(drain__samples(-1, see, seen) < 0);
	assert_int_equal(seen->total, 0);
	free(seen);
}

static int see_lost(const struct sample_key *key, const uint64_t *values, void *arg)
{
	struct seen *seen = arg;

	assert_int_equal(key->stack, 0);
	assert_int_equal(key->start_ns, 5);
	assert_int_equal(key->cgroup, 6);
	assert_string_equal(key->comm, "lost");
	assert_int_equal(values[0], key->pid);
	assert_int_equal(values[1], key->pid * 10ull);
	seen->cnt[key->pid]++;
	seen->total++;
	return 0;
}

static void lost_samples_of_one_parity(void **state)
{
	struct seen *seen;
	uint32_t i;
	int fd;

	(void)state;
	NEEDS_ROOT();
	seen = calloc(1, sizeof(*seen));
	fd = bpf_map_create(BPF_MAP_TYPE_HASH, "test_lost", sizeof(struct lost_key),
		sizeof(struct sample_value), 1024, NULL);
	assert_true(fd >= 0);
	for (i = 1; i <= 1000; i++) {
		struct lost_key key = {
			.start_ns = 5, .cgroup = 6, .pid = i, .parity = i % 3 == 0, .comm = "lost"};
		struct sample_value value = {.count = i, .value = i * 10ull};

		assert_int_equal(bpf_map_update_elem(fd, &key, &value, BPF_NOEXIST), 0);
	}
	assert_int_equal(drain__lost(fd, 1, see_lost, seen), 0);
	assert_int_equal(seen->total, 333);
	for (i = 1; i <= 1000; i++)
		assert_int_equal(seen->cnt[i], i % 3 == 0);
	assert_int_equal(drain__lost(fd, 1, see_lost, seen), 0);
	assert_int_equal(seen->total, 333);
	assert_int_equal(drain__lost(fd, 0, see_lost, seen), 0);
	assert_int_equal(seen->total, 1000);
	free(seen);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_entry_is_handed_out_once),
		cmocka_unit_test(an_error_of_the_receiver_ends_the_drain),
		cmocka_unit_test(what_is_no_map_is_an_error),
		cmocka_unit_test(lost_samples_of_one_parity),
	};

	return cmocka_run_group_tests_name("collect_drain", tests, NULL, NULL);
}
