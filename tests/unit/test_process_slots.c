// SPDX-License-Identifier: GPL-2.0
/* Runs of array elements: never two owners, never reused within the epoch in which they were given up. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "process/slots.h"

#define MAX 4096u

static void runs_are_rounded_up_to_units(void **state)
{
	static const struct {
		uint32_t cnt, used;
	} cases[] = {{1, 16}, {15, 16}, {16, 16}, {17, 32}, {32, 32}, {33, 48}, {1000, 1008},
		{4096, 4096}};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct slots *slots = slots__new(MAX, 16);
		uint32_t first;

		assert_int_equal(slots__take(slots, cases[i].cnt, &first), 0);
		assert_int_equal(slots__used(slots), cases[i].used);
		slots__give(slots, first, cases[i].cnt, 1);
		assert_int_equal(slots__used(slots), 0);
		slots__free(slots);
	}
}

static void a_run_waits_for_its_epoch(void **state)
{
	struct slots *slots = slots__new(16, 16);
	uint32_t first, again = 77;

	(void)state;
	assert_int_equal(slots__take(slots, 10, &first), 0);
	slots__give(slots, first, 10, 5);
	assert_int_equal(slots__take(slots, 10, &again), -ENOSPC);
	assert_int_equal(again, 77);
	slots__reclaim(slots, 4);
	assert_int_equal(slots__take(slots, 10, &again), -ENOSPC);
	slots__reclaim(slots, 5);
	assert_int_equal(slots__take(slots, 10, &again), -ENOSPC);
	slots__reclaim(slots, 6);
	assert_int_equal(slots__take(slots, 10, &again), 0);
	assert_int_equal(again, first);
	slots__free(slots);
}

static void epochs_wrap_around(void **state)
{
	struct slots *slots = slots__new(16, 16);
	uint32_t first;

	(void)state;
	assert_int_equal(slots__take(slots, 10, &first), 0);
	slots__give(slots, first, 10, UINT32_MAX);
	slots__reclaim(slots, UINT32_MAX);
	assert_int_equal(slots__take(slots, 10, &first), -ENOSPC);
	slots__reclaim(slots, 0);
	assert_int_equal(slots__take(slots, 10, &first), 0);
	slots__free(slots);
}

static void the_array_is_used_to_its_end_and_not_beyond(void **state)
{
	struct slots *slots = slots__new(100, 16);
	uint32_t first, i;

	(void)state;
	for (i = 0; i < 6; i++)
		assert_int_equal(slots__take(slots, 16, &first), 0);
	assert_int_equal(slots__take(slots, 1, &first), -ENOSPC); /* 4 are left */
	assert_int_equal(slots__used(slots), 96);
	slots__free(slots);
	slots = slots__new(100, 1);
	assert_int_equal(slots__take(slots, 101, &first), -ENOSPC);
	assert_int_equal(slots__take(slots, UINT32_MAX, &first), -ENOSPC);
	assert_int_equal(slots__take(slots, 1u << 31, &first), -ENOSPC);
	assert_int_equal(slots__used(slots), 0);
	slots__free(slots);
}

struct owned {
	uint32_t first, cnt;
};

/* Random life: elements in use, or given up in this epoch, have exactly one owner. */
static void no_element_has_two_owners(void **state)
{
	enum { FREE, OWNED, LIMBO };
	static unsigned char model[MAX];
	static uint32_t given_in[MAX];
	struct slots *slots = slots__new(MAX, 16);
	struct owned owned[512];
	uint32_t cnt = 0, epoch = UINT32_MAX - 20, i, j, refused = 0;
	unsigned int seed = 11;

	(void)state;
	memset(model, FREE, sizeof(model));
	for (i = 0; i < 200000; i++) {
		unsigned int dice = (unsigned int)rand_r(&seed) % 100;

		if (dice < 50 && cnt < 512) {
			struct owned run = {.cnt = 1 + (uint32_t)rand_r(&seed) %
							       (rand_r(&seed) % 4 ? 40 : 600)};

			if (slots__take(slots, run.cnt, &run.first)) {
				refused++;
				continue;
			}
			assert_true(run.first + run.cnt <= MAX);
			for (j = run.first; j < run.first + run.cnt; j++) {
				if (model[j] == LIMBO)
					assert_true((int32_t)(epoch - given_in[j]) > 0);
				assert_int_not_equal(model[j], OWNED);
				model[j] = OWNED;
			}
			owned[cnt++] = run;
		} else if (dice < 90 && cnt) {
			uint32_t victim = (uint32_t)rand_r(&seed) % cnt;

			slots__give(slots, owned[victim].first, owned[victim].cnt, epoch);
			for (j = owned[victim].first; j < owned[victim].first + owned[victim].cnt;
				j++) {
				model[j] = LIMBO;
				given_in[j] = epoch;
			}
			owned[victim] = owned[--cnt];
		} else if (dice >= 97) {
			slots__reclaim(slots, ++epoch);
		}
	}
	assert_in_range(refused, 1, 150000);
	while (cnt--)
		slots__give(slots, owned[cnt].first, owned[cnt].cnt, epoch);
	assert_int_equal(slots__used(slots), 0);
	slots__free(slots);
}

/* Whatever sizes were in use before: room that was given back is room for any size. */
static void room_given_back_serves_other_sizes(void **state)
{
	struct slots *slots = slots__new(1024, 16);
	uint32_t firsts[64], first, i;

	(void)state;
	for (i = 0; i < 64; i++)
		assert_int_equal(slots__take(slots, 16, &firsts[i]), 0);
	for (i = 0; i < 64; i++)
		slots__give(slots, firsts[i], 16, 1);
	slots__reclaim(slots, 2);
	assert_int_equal(slots__take(slots, 17, &first), 0);
	slots__free(slots);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_are_rounded_up_to_units),
		cmocka_unit_test(a_run_waits_for_its_epoch),
		cmocka_unit_test(epochs_wrap_around),
		cmocka_unit_test(the_array_is_used_to_its_end_and_not_beyond),
		cmocka_unit_test(no_element_has_two_owners),
		cmocka_unit_test(room_given_back_serves_other_sizes),
	};

	return cmocka_run_group_tests_name("process_slots", tests, NULL, NULL);
}
