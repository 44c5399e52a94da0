// SPDX-License-Identifier: GPL-2.0
/* The profile model: stacks, samples, differences, merging, and what its caps do. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "profile/profile.h"

static struct sample_key make_key(uint64_t stack, uint32_t pid)
{
	struct sample_key key = {.stack = stack, .pid = pid, .start_ns = 5, .comm = "app"};

	memcpy(key.thread, "worker", 7);
	return key;
}

static void add(struct profile *profile, uint64_t stack, uint32_t pid, uint64_t count)
{
	struct sample_key key = make_key(stack, pid);
	const uint64_t values[] = {count, count * 10};

	assert_int_equal(profile__add(profile, &key, values), 0);
}

struct lookup {
	struct sample_key key;
	const struct sample *found;
	int64_t sums[2];
};

static int look(const struct sample *sample, void *arg)
{
	struct lookup *lookup = arg;

	lookup->sums[0] += (int64_t)sample->values[0];
	lookup->sums[1] += (int64_t)sample->values[1];
	if (!memcmp(&sample->key, &lookup->key, sizeof(lookup->key))) {
		assert_null(lookup->found); /* a key is there once */
		lookup->found = sample;
	}
	return 0;
}

static struct lookup look_up(const struct profile *profile, struct sample_key key)
{
	struct lookup lookup = {.key = key};

	assert_int_equal(profile__each(profile, look, &lookup), 0);
	return lookup;
}

static int64_t count_of(const struct profile *profile, uint64_t stack, uint32_t pid)
{
	struct lookup lookup = look_up(profile, make_key(stack, pid));

	return lookup.found ? (int64_t)lookup.found->values[0] : 0;
}

static void test_add_sums_by_whole_key(void **state)
{
	struct stack_table *stacks = stack_table__new(NULL);
	struct profile *profile = profile__new(&profile_kind_cpu, stacks, NULL);
	uint64_t round;
	uint64_t i;

	(void)state;
	for (round = 0; round < 2; round++) {
		for (i = 0; i < 5000; i++)
			add(profile, 1 + i / 2, i % 2, i + 1); /* pairs share the stack's hash */
	}
	assert_int_equal(profile__sample_cnt(profile), 5000);
	for (i = 0; i < 5000; i++)
		assert_int_equal(count_of(profile, 1 + i / 2, i % 2), 2 * (i + 1));
	assert_int_equal(profile->dropped_cnt, 0);
	profile__free(profile);
	stack_table__free(stacks);
}

static void test_caps_lose_no_value(void **state)
{
	const struct profile_limits limits = {.samples_max = 32};
	struct stack_table *stacks = stack_table__new(NULL);
	struct profile *profile = profile__new(&profile_kind_cpu, stacks, &limits);
	struct sample_key lost = make_key(0, 3);
	struct sample_key nobody = {0};
	struct lookup lookup;
	uint64_t i;

	(void)state;
	memset(lost.thread, 0, sizeof(lost.thread));
	for (i = 0; i < 32; i++)
		add(profile, 1 + i, 3, 1);
	assert_int_equal(profile->dropped_cnt, 0);
	add(profile, 1, 3, 1); /* a known key is no new sample */
	assert_int_equal(profile->dropped_cnt, 0);
	add(profile, 100, 3, 7);
	add(profile, 101, 3, 8);
	assert_int_equal(profile->dropped_cnt, 15);
	lookup = look_up(profile, lost);
	assert_non_null(lookup.found);
	assert_int_equal(lookup.found->values[0], 15);
	assert_int_equal(lookup.found->values[1], 150);
	for (i = 0; i < 1000; i++)
		add(profile, 1, 100 + i, 1);
	lookup = look_up(profile, nobody);
	assert_non_null(lookup.found);
	assert_int_equal(lookup.sums[0], 33 + 15 + 1000);
	assert_int_equal(lookup.sums[1], 10 * (33 + 15 + 1000));
	assert_int_equal(profile->dropped_cnt, 15 + 1000);
	assert_in_range(profile__sample_cnt(profile), 33, 32 + 32 / 16 + 2);
	profile__free(profile);
	stack_table__free(stacks);
}

static void test_diff(void **state)
{
	struct stack_table *stacks = stack_table__new(NULL);
	struct profile *profile = profile__new(&profile_kind_cpu, stacks, NULL);
	struct profile *before, *empty, *diff, *shrunk;

	(void)state;
	profile->time_ns = 1000;
	profile->duration_ns = 100;
	profile->period = 99;
	add(profile, 1, 1, 10);
	add(profile, 2, 1, 20);
	before = profile__copy(profile);
	assert_non_null(before);
	add(profile, 2, 1, 5);
	add(profile, 3, 1, 7);
	profile->duration_ns = 400;
	assert_int_equal(count_of(before, 2, 1), 20); /* a copy stands alone */
	diff = profile__diff(profile, before);
	assert_int_equal(profile__sample_cnt(diff), 2);
	assert_int_equal(count_of(diff, 1, 1), 0);
	assert_int_equal(count_of(diff, 2, 1), 5);
	assert_int_equal(count_of(diff, 3, 1), 7);
	assert_int_equal(diff->time_ns, 1100);
	assert_int_equal(diff->duration_ns, 300);
	assert_int_equal(diff->period, 99);
	shrunk = profile__diff(before, profile); /* in-use values shrink */
	assert_int_equal(count_of(shrunk, 2, 1), -5);
	assert_int_equal(count_of(shrunk, 3, 1), -7);
	empty = profile__diff(profile, profile);
	assert_int_equal(profile__sample_cnt(empty), 0);
	assert_int_equal(profile__merge(before, diff), 0);
	assert_int_equal(count_of(before, 1, 1), 10);
	assert_int_equal(count_of(before, 2, 1), 25);
	assert_int_equal(count_of(before, 3, 1), 7);
	assert_int_equal(before->time_ns, 1000);
	assert_int_equal(before->duration_ns, 400);
	profile__free(empty);
	profile__free(shrunk);
	profile__free(diff);
	profile__free(before);
	profile__free(profile);
	stack_table__free(stacks);
}

static void test_merge_at_cap_and_of_strangers(void **state)
{
	const struct profile_limits limits = {.samples_max = 16};
	struct stack_table *stacks = stack_table__new(NULL);
	struct stack_table *others = stack_table__new(NULL);
	struct profile *into = profile__new(&profile_kind_cpu, stacks, &limits);
	struct profile *from = profile__new(&profile_kind_cpu, stacks, NULL);
	struct profile *stranger = profile__new(&profile_kind_cpu, others, NULL);
	struct profile *block = profile__new(&profile_kind_block, stacks, NULL);
	struct lookup lookup;
	uint64_t i;

	(void)state;
	for (i = 0; i < 300; i++)
		add(from, 1 + i, 1 + i % 50, 1);
	assert_int_equal(profile__merge(into, from), 0);
	lookup = look_up(into, make_key(1, 1));
	assert_int_equal(lookup.sums[0], 300);
	assert_int_equal(into->dropped_cnt, 300 - 16);
	assert_int_equal(profile__merge(into, stranger), -EINVAL);
	assert_int_equal(profile__merge(into, block), -EINVAL);
	profile__free(block);
	profile__free(stranger);
	profile__free(from);
	profile__free(into);
	stack_table__free(others);
	stack_table__free(stacks);
}

static int stop_at_third(const struct sample *sample, void *arg)
{
	(void)sample;
	return ++*(int *)arg == 3 ? -EINTR : 0;
}

static void test_each_stops(void **state)
{
	struct profile *profile = profile__new(&profile_kind_cpu, NULL, NULL);
	int calls = 0;
	uint64_t i;

	(void)state;
	for (i = 0; i < 10; i++)
		add(profile, i + 1, 1, 1);
	assert_int_equal(profile__each(profile, stop_at_third, &calls), -EINTR);
	assert_int_equal(calls, 3);
	profile__free(profile);
}

static void test_stacks(void **state)
{
	const struct profile_limits limits = {.stacks_max = 3, .bytes_max = 6 * sizeof(uint64_t)};
	struct stack_table *table = stack_table__new(&limits);
	struct stack *stack = calloc(1, sizeof(*stack) + 700 * sizeof(uint64_t));
	const struct stack *found;

	(void)state;
	stack->hash = 1;
	stack->kernel_cnt = 1;
	stack->user_cnt = 2;
	stack->end = STACK_END_NO_ROW;
	stack->frames[2] = 0x1234;
	assert_int_equal(stack_table__add(table, stack), 0);
	assert_int_equal(stack_table__add(table, stack), -EEXIST);
	stack->frames[2] = 0; /* a copy was kept */
	found = stack_table__find(table, 1);
	assert_non_null(found);
	assert_int_equal(found->frames[2], 0x1234);
	assert_int_equal(found->end, STACK_END_NO_ROW);
	assert_null(stack_table__find(table, 2));
	stack->hash = 2;
	stack->user_cnt = 3;
	assert_int_equal(stack_table__add(table, stack), -ENOSPC); /* 4 + 3 > 6 frames */
	stack->user_cnt = 2;
	assert_int_equal(stack_table__add(table, stack), 0);
	stack->hash = 3;
	stack->kernel_cnt = stack->user_cnt = 0;
	assert_int_equal(stack_table__add(table, stack), 0);
	stack->hash = 4;
	assert_int_equal(stack_table__add(table, stack), -ENOSPC); /* 4 > 3 stacks */
	assert_int_equal(stack_table__dropped_cnt(table), 2);
	assert_int_equal(stack_table__cnt(table), 3);
	stack->hash = 0;
	assert_int_equal(stack_table__add(table, stack), -EINVAL);
	stack->hash = 5;
	stack->user_cnt = KERNEL_FRAMES_MAX + STACK_FRAMES_MAX + 1;
	assert_int_equal(stack_table__add(table, stack), -EINVAL);
	free(stack);
	stack_table__free(table);
}

static void test_null_is_freed(void **state)
{
	(void)state;
	profile__free(NULL);
	stack_table__free(NULL);
}

/* DESIGN 1.3, word for word. */
static void test_kinds(void **state)
{
	static const struct {
		const struct profile_kind *kind;
		const char *text;
	} rows[] = {
		{&profile_kind_cpu, "cpu: samples/count *cpu/nanoseconds per cpu/nanoseconds"},
		{&profile_kind_heap, "heap: alloc_objects/count alloc_space/bytes "
				     "inuse_objects/count *inuse_space/bytes per space/bytes"},
		{&profile_kind_allocs, "allocs: alloc_objects/count *alloc_space/bytes "
				       "inuse_objects/count inuse_space/bytes per space/bytes"},
		{&profile_kind_block,
			"block: contentions/count *delay/nanoseconds per contentions/count"},
		{&profile_kind_mutex,
			"mutex: contentions/count *delay/nanoseconds per contentions/count"},
		{&profile_kind_threads, "threads: *threads/count per threads/count"},
		{&profile_kind_threadcreate,
			"threadcreate: *threadcreate/count per threadcreate/count"},
		{&profile_kind_faults, "faults: faults/count *touched/bytes per faults/count"},
	};
	char text[256];
	size_t row;
	size_t len;
	unsigned int i;

	(void)state;
	for (row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
		const struct profile_kind *kind = rows[row].kind;

		len = snprintf(text, sizeof(text), "%s:", kind->name);
		for (i = 0; i < kind->value_cnt; i++)
			len += snprintf(text + len, sizeof(text) - len, " %s%s/%s",
				i == kind->default_value ? "*" : "", kind->values[i].type,
				kind->values[i].unit);
		snprintf(text + len, sizeof(text) - len, " per %s/%s", kind->period_type.type,
			kind->period_type.unit);
		assert_string_equal(text, rows[row].text);
	}
}

/* A stack whose frames tell its number; the hashes of neighbours share a slot of the index or a tag. */
static struct stack *make_stack(struct stack *stack, uint32_t number)
{
	uint32_t i;

	stack->hash = number % 3 ? number + 1 : (uint64_t)(number + 1) << 32;
	stack->kernel_cnt = number % 4;
	stack->user_cnt = 1 + number % 60;
	stack->end = STACK_END_ROOT;
	for (i = 0; i < (uint32_t)stack->kernel_cnt + stack->user_cnt; i++)
		stack->frames[i] = (uint64_t)number << 16 | i;
	return stack;
}

static void check_stack(const struct stack_table *table, struct stack *expected)
{
	const struct stack *found = stack_table__find(table, expected->hash);
	size_t frame_cnt = (size_t)expected->kernel_cnt + expected->user_cnt;

	assert_non_null(found);
	assert_int_equal(found->hash, expected->hash);
	assert_int_equal(found->kernel_cnt, expected->kernel_cnt);
	assert_int_equal(found->user_cnt, expected->user_cnt);
	assert_int_equal(found->end, STACK_END_ROOT);
	assert_memory_equal(found->frames, expected->frames, frame_cnt * sizeof(uint64_t));
}

/* Again and again more stacks than fit, of which some are marked before a sweep. */
static void test_sweep_keeps_what_is_marked(void **state)
{
	enum { STACKS = 5000, ROUNDS = 6 };
	const struct profile_limits limits = {.stacks_max = STACKS, .bytes_max = 1 << 20};
	struct stack_table *table = stack_table__new(&limits);
	struct stack *stack = calloc(1, sizeof(*stack) + 64 * sizeof(uint64_t));
	uint32_t first, number, round, kept;
	int err;

	(void)state;
	for (round = 0; round < ROUNDS; round++) {
		first = round * 2 * STACKS;
		for (number = first, err = 0; !err; number++)
			err = stack_table__add(table, make_stack(stack, number));
		assert_int_equal(err, -ENOSPC);
		assert_true(stack_table__is_filling(table));
		assert_int_equal(stack_table__dropped_cnt(table), round + 1);
		stack_table__age(table);
		kept = 0;
		for (number = first; number < first + 1000; number += 7, kept++)
			stack_table__mark(table, make_stack(stack, number)->hash);
		for (number = first + 1; number < first + 1000; number += 7, kept++)
			assert_int_equal(
				stack_table__add(table, make_stack(stack, number)), -EEXIST);
		stack_table__mark(table, make_stack(stack, first + STACKS)->hash); /* not there */
		stack_table__sweep(table);
		assert_int_equal(stack_table__cnt(table), kept);
		for (number = first; number < first + 1000; number++) {
			make_stack(stack, number);
			if ((number - first) % 7 < 2)
				check_stack(table, stack);
			else
				assert_null(stack_table__find(table, stack->hash));
		}
	}
	stack_table__age(table);
	stack_table__sweep(table);
	assert_int_equal(stack_table__cnt(table), 0);
	assert_int_equal(stack_table__add(table, make_stack(stack, 1)), 0);
	check_stack(table, stack);
	free(stack);
	stack_table__free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add_sums_by_whole_key),
		cmocka_unit_test(test_caps_lose_no_value),
		cmocka_unit_test(test_diff),
		cmocka_unit_test(test_merge_at_cap_and_of_strangers),
		cmocka_unit_test(test_each_stops),
		cmocka_unit_test(test_stacks),
		cmocka_unit_test(test_sweep_keeps_what_is_marked),
		cmocka_unit_test(test_null_is_freed),
		cmocka_unit_test(test_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
