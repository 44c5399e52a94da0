// SPDX-License-Identifier: GPL-2.0
/* The budget's hysteresis, and the caps that it sets while a capture runs. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "budget_gauge.h"
#include "profile/profile.h"

#define CAP 5.0

static enum budget_verdict judge(struct budget_gauge *gauge, double figure)
{
	return budget_gauge__judge(gauge, figure, 2 * figure, true, CAP);
}

/* Rounds until something happens; fails after max. */
static unsigned int rounds_until(
	struct budget_gauge *gauge, double figure, enum budget_verdict want, unsigned int max)
{
	enum budget_verdict got = BUDGET_GO_ON;
	unsigned int cnt = 0;

	while (got == BUDGET_GO_ON && cnt++ < max)
		got = judge(gauge, figure);
	assert_int_equal(got, want);
	return cnt;
}

static void one_round_above_the_cap_changes_nothing(void **state)
{
	struct budget_gauge gauge = {.level_max = 3};
	int i;

	(void)state;
	for (i = 0; i < 100; i++)
		assert_int_equal(judge(&gauge, i % 3 ? 2 * CAP : CAP), BUDGET_GO_ON);
	assert_int_equal(gauge.level, 0);
}

static void sheds_step_by_step_and_says_once_that_nothing_is_left(void **state)
{
	struct budget_gauge gauge = {.level_max = 2};
	int i;

	(void)state;
	assert_int_equal(rounds_until(&gauge, 2 * CAP, BUDGET_SHED, 10), BUDGET_ROUNDS_OVER);
	assert_int_equal(rounds_until(&gauge, 2 * CAP, BUDGET_SHED, 10), BUDGET_ROUNDS_OVER);
	assert_int_equal(gauge.level, 2);
	rounds_until(&gauge, 2 * CAP, BUDGET_HELPLESS, 100);
	for (i = 0; i < 100; i++)
		assert_int_equal(judge(&gauge, 2 * CAP), BUDGET_GO_ON);
	assert_int_equal(gauge.level, 2);
}

static void what_would_not_help_is_not_done(void **state)
{
	struct budget_gauge gauge = {.level_max = 3};
	int i, told = 0;

	(void)state;
	for (i = 0; i < 100; i++)
		told += budget_gauge__judge(&gauge, 2 * CAP, 2 * CAP, false, CAP) ==
			BUDGET_HELPLESS;
	assert_int_equal(told, 1);
	assert_int_equal(gauge.level, 0);
}

static void recovers_where_there_is_room_for_it(void **state)
{
	struct budget_gauge gauge = {.level_max = 3};
	int i;

	(void)state;
	rounds_until(&gauge, 2 * CAP, BUDGET_SHED, 10);
	rounds_until(&gauge, 2 * CAP, BUDGET_SHED, 10);
	/* below the cap, but twice as much would not be */
	for (i = 0; i < 100; i++)
		assert_int_equal(judge(&gauge, 0.6 * CAP), BUDGET_GO_ON);
	assert_int_equal(gauge.level, 2);
	rounds_until(&gauge, 0.2 * CAP, BUDGET_RESTORE, 10);
	assert_int_equal(gauge.level, 1);
	rounds_until(&gauge, 0.2 * CAP, BUDGET_RESTORE, 20);
	assert_int_equal(gauge.level, 0);
	for (i = 0; i < 100; i++)
		assert_int_equal(judge(&gauge, 0.2 * CAP), BUDGET_GO_ON);
}

/* A load that is always too much once everything is taken up again: tries get rare. */
static void does_not_flap(void **state)
{
	struct budget_gauge gauge = {.level_max = 1};
	unsigned int i, changes = 0;

	(void)state;
	for (i = 0; i < 1000; i++)
		changes += judge(&gauge, gauge.level ? 0.2 * CAP : 2 * CAP) != BUDGET_GO_ON;
	assert_in_range(changes, 4, 24);
}

static int add_stack(struct stack_table *table, uint64_t hash)
{
	struct {
		struct stack stack;
		uint64_t frames[2];
	} one = {.stack = {.hash = hash, .user_cnt = 2}};

	return stack_table__add(table, &one.stack);
}

static void a_new_cap_keeps_what_is_there(void **state)
{
	struct profile_limits limits = {.stacks_max = 10, .bytes_max = 1 << 20};
	struct stack_table *stacks = stack_table__new(&limits);
	struct profile *profile = profile__new(&profile_kind_cpu, stacks, NULL);
	struct sample_key key = {.pid = 7, .stack = 1};
	const uint64_t values[2] = {3, 30};

	(void)state;
	assert_int_equal(add_stack(stacks, 1), 0);
	assert_int_equal(add_stack(stacks, 2), 0);
	limits.stacks_max = 1;
	limits.bytes_max = 8; /* less than is there */
	stack_table__set_limits(stacks, &limits);
	assert_int_equal(add_stack(stacks, 3), -ENOSPC);
	assert_int_equal(add_stack(stacks, 2), -EEXIST);
	assert_non_null(stack_table__find(stacks, 1));
	limits.stacks_max = 10;
	stack_table__set_limits(stacks, &limits);
	assert_int_equal(add_stack(stacks, 3), -ENOSPC); /* the bytes */
	limits.bytes_max = 1 << 20;
	stack_table__set_limits(stacks, &limits);
	assert_int_equal(add_stack(stacks, 3), 0);

	assert_int_equal(profile__add(profile, &key, values), 0);
	profile__set_samples_max(profile, 1);
	key.stack = 2;
	assert_int_equal(profile__add(profile, &key, values), 0);
	assert_int_equal(profile->dropped_cnt, 3);
	key.stack = 1;
	assert_int_equal(profile__add(profile, &key, values), 0);
	assert_int_equal(profile->dropped_cnt, 3);
	profile__free(profile);
	stack_table__free(stacks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_round_above_the_cap_changes_nothing),
		cmocka_unit_test(sheds_step_by_step_and_says_once_that_nothing_is_left),
		cmocka_unit_test(what_would_not_help_is_not_done),
		cmocka_unit_test(recovers_where_there_is_room_for_it),
		cmocka_unit_test(does_not_flap),
		cmocka_unit_test(a_new_cap_keeps_what_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
