// SPDX-License-Identifier: GPL-2.0
/* First fit over a bitmap, a bit a unit, with a limbo for what a BPF program may still read. */
#include "process/slots.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#define WORD_BITS 64u

/* Given back in this epoch; its units stay marked until a later one. */
struct limbo {
	uint32_t unit, unit_cnt, epoch;
};

struct slots {
	uint32_t unit;
	uint32_t unit_cnt;
	uint32_t used_cnt; /* units */
	uint32_t free_cnt; /* units neither used nor in limbo */
	uint32_t hint;     /* no free unit below */
	struct limbo *limbo;
	uint32_t limbo_cnt, limbo_capacity;
	uint64_t taken[]; /* a bit a unit */
};

struct slots *slots__new(uint32_t max, uint32_t unit)
{
	uint32_t unit_cnt = max / unit;
	struct slots *slots = calloc(
		1, sizeof(*slots) + (unit_cnt / WORD_BITS + 1) * sizeof(slots->taken[0]));

	if (slots) {
		slots->unit = unit;
		slots->unit_cnt = unit_cnt;
		slots->free_cnt = unit_cnt;
	}
	return slots;
}

void slots__free(struct slots *slots)
{
	if (!slots)
		return;
	free(slots->limbo);
	free(slots);
}

static bool unit__is_taken(const struct slots *slots, uint32_t unit)
{
	return slots->taken[unit / WORD_BITS] >> (unit % WORD_BITS) & 1;
}

static void units__mark(struct slots *slots, uint32_t first, uint32_t cnt, bool taken)
{
	uint32_t unit;

	for (unit = first; unit < first + cnt; unit++) {
		if (taken)
			slots->taken[unit / WORD_BITS] |= 1ull << (unit % WORD_BITS);
		else
			slots->taken[unit / WORD_BITS] &= ~(1ull << (unit % WORD_BITS));
	}
	slots->free_cnt = taken ? slots->free_cnt - cnt : slots->free_cnt + cnt;
	if (!taken && first < slots->hint)
		slots->hint = first;
}

static uint32_t slots__units(const struct slots *slots, uint32_t cnt)
{
	return cnt / slots->unit + (cnt % slots->unit != 0);
}

int slots__take(struct slots *slots, uint32_t cnt, uint32_t *ret_first)
{
	uint32_t want = slots__units(slots, cnt), unit, run = 0;

	if (!want || want > slots->free_cnt)
		return -ENOSPC;
	while (slots->hint < slots->unit_cnt && unit__is_taken(slots, slots->hint))
		slots->hint++;
	for (unit = slots->hint; unit < slots->unit_cnt; unit++) {
		run = unit__is_taken(slots, unit) ? 0 : run + 1;
		if (run < want)
			continue;
		units__mark(slots, unit + 1 - want, want, true);
		slots->used_cnt += want;
		*ret_first = (unit + 1 - want) * slots->unit;
		return 0;
	}
	return -ENOSPC;
}

void slots__give(struct slots *slots, uint32_t first, uint32_t cnt, uint32_t epoch)
{
	uint32_t unit_cnt = slots__units(slots, cnt);

	slots->used_cnt -= unit_cnt;
	if (slots->limbo_cnt == slots->limbo_capacity) {
		uint32_t capacity = slots->limbo_capacity ? 2 * slots->limbo_capacity : 16;
		struct limbo *limbo = reallocarray(slots->limbo, capacity, sizeof(*limbo));

		if (!limbo)
			return; /* never used again: less room, but no element with two owners */
		slots->limbo = limbo;
		slots->limbo_capacity = capacity;
	}
	slots->limbo[slots->limbo_cnt++] = (struct limbo){
		.unit = first / slots->unit, .unit_cnt = unit_cnt, .epoch = epoch};
}

void slots__reclaim(struct slots *slots, uint32_t epoch)
{
	uint32_t i, kept = 0;

	for (i = 0; i < slots->limbo_cnt; i++) {
		const struct limbo *limbo = &slots->limbo[i];

		if ((int32_t)(epoch - limbo->epoch) <= 0)
			slots->limbo[kept++] = *limbo;
		else
			units__mark(slots, limbo->unit, limbo->unit_cnt, false);
	}
	slots->limbo_cnt = kept;
}

uint32_t slots__used(const struct slots *slots)
{
	return slots->used_cnt * slots->unit;
}
