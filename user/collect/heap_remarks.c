// SPDX-License-Identifier: GPL-2.0
/* Why the heap profile shows less than a reader would expect, or nothing. */
#include <stdio.h>
#include <time.h>

#include "collect/heap_private.h"
#include "collect/shared.h"

static void remark__detached(const struct heap_guard *guard, char *ret, size_t size)
{
	char when[32] = "?";
	struct tm utc;

	if (gmtime_r(&guard->detached_s, &utc))
		strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &utc);
	snprintf(ret, size,
		"heap: the probes cost %.1f %% of one CPU, more than --max-overhead %.3g: taken away at %s; no allocation and no "
		"free since is in it; raise --max-overhead (100: no limit)",
		100 * guard->share, 100 * guard->max, when);
}

/* Processes that are probed, and of these those in which nothing was found. */
static uint32_t heap__bare_cnt(const struct collector *heap, uint32_t pid, uint32_t *ret_all)
{
	uint32_t i, cnt = 0;

	*ret_all = 0;
	for (i = 0; i < heap->target_end; i++) {
		const struct heap_target *target = &heap->targets[i];

		if (target->state != HEAP_TARGET_LIVE || (pid && target->pid != pid))
			continue;
		++*ret_all;
		cnt += target->told_none && !target->found;
	}
	return cnt;
}

void heap__watch_room(struct collector *heap)
{
	struct counter_values counters;
	bool is_first = !heap->unfollowed_cnt;

	if (shared__read_counters(heap->shared, &counters))
		return;
	heap->unfollowed_cnt = counters.cnt[COUNTER_heap_live_full];
	if (is_first && heap->unfollowed_cnt)
		heap__note(heap, HEAP_NOTE_WARN,
			"heap: the table of live objects is full: of some of them no more than the allocation is in the profile, "
			"and --stats counts them as heap_live_full; a higher --heap-rate samples fewer");
}

bool heap__remark(const struct collector *heap, uint32_t pid, size_t index, char *ret, size_t size)
{
	const struct heap_guard *guard = &heap->guard;
	uint32_t all_cnt, bare_cnt;

	if (guard->is_detached && !index--) {
		remark__detached(guard, ret, size);
		return true;
	}
	if (!guard->is_detached && guard->thin && !index--) {
		snprintf(ret, size,
			"heap: allocations are seen 1/%u of the time and weighted up, to keep the probes below --max-overhead %.3g",
			1u << guard->thin, 100 * guard->max);
		return true;
	}
	bare_cnt = heap__bare_cnt(heap, pid, &all_cnt);
	if (bare_cnt && !index--) {
		snprintf(ret, size,
			"heap: no allocator (a malloc and a free with symbols) was found in what %u of %u processes map",
			bare_cnt, all_cnt);
		return true;
	}
	if (heap->unfollowed_cnt && !index--) {
		snprintf(ret, size,
			"heap: %llu sampled objects found no room in the table of live ones: they are in alloc_*, not in inuse_*; a "
			"higher --heap-rate samples fewer",
			(unsigned long long)heap->unfollowed_cnt);
		return true;
	}
	if (heap->told_full && !index--) {
		snprintf(ret, size,
			"heap: no more than %d processes are probed at once; others are not in it",
			HEAP_PROCESSES_MAX);
		return true;
	}
	return false;
}
