// SPDX-License-Identifier: GPL-2.0
/* Keeps the cost of the heap's probes below --max-overhead. */
#include "collect/heap_guard.h"

#include <stdlib.h>

#include "collect/heap_private.h"
#include "collect/shared.h"
#include "process/clock.h"

#define SAMPLE_NS    2500 /* a sampled call: its stack, its return, its place in the tables */
#define HIT_NS_MAX   12000
#define ROUNDS_OVER  2 /* one alone may be the start's: tables, first stacks */
#define ROUNDS_UNDER 4

enum heap_guard_verdict heap_guard__judge(struct heap_guard *guard, double max, double alloc_share,
	double free_share, double own_share)
{
	guard->share = alloc_share + free_share + own_share;
	if (guard->share <= max) {
		guard->over_cnt = 0;
		if (!guard->thin || 2 * alloc_share + free_share + own_share > 0.7 * max) {
			guard->under_cnt = 0;
			return HEAP_GUARD_GO_ON;
		}
		if (++guard->under_cnt < ROUNDS_UNDER)
			return HEAP_GUARD_GO_ON;
		guard->under_cnt = 0;
		return HEAP_GUARD_THICKEN;
	}
	guard->under_cnt = 0;
	if (++guard->over_cnt < ROUNDS_OVER)
		return HEAP_GUARD_GO_ON;
	guard->over_cnt = 0;
	/* thinner still, what frees costs is left */
	if (guard->thin == HEAP_THIN_MAX || free_share + own_share > max)
		return HEAP_GUARD_DETACH;
	return HEAP_GUARD_THIN;
}

/* Is the plain function's probe on an emulated instruction? Nearly all calls are malloc's and free's. */
static bool target__is_emulated(const struct heap_target *target, bool frees)
{
	uint32_t i, k;

	for (i = 0; i < target->file_cnt; i++) {
		const struct allocator *allocator = target->files[i]->allocator;

		if (!allocator || target->is_usdt)
			continue; /* statically defined probes are on a nop */
		for (k = 0; k < allocator->cnt; k++) {
			const struct allocator_function *function = &allocator->functions[k];

			if (function->function == (frees ? HEAP_FREE : HEAP_MALLOC) &&
				!function->is_emulated)
				return false;
		}
	}
	return true;
}

/* What all hits so far have cost. */
static void heap__cost(struct collector *heap, uint64_t *ret_alloc_ns, uint64_t *ret_free_ns)
{
	const uint32_t *hit_ns = heap->guard.hit_ns;
	struct counter_values counters;
	uint32_t i;

	*ret_alloc_ns = heap->ended.alloc_hit_cnt * hit_ns[1];
	*ret_free_ns = heap->ended.free_hit_cnt * hit_ns[1];
	for (i = 0; i < heap->target_end; i++) {
		const struct heap_target *target = &heap->targets[i];
		struct heap_figures figures = {0};

		if (target->state == HEAP_TARGET_FREE)
			continue;
		heap__read_hits(heap, i, &figures);
		*ret_alloc_ns += figures.alloc_hit_cnt * hit_ns[target__is_emulated(target, false)];
		*ret_free_ns += figures.free_hit_cnt * hit_ns[target__is_emulated(target, true)];
	}
	if (!shared__read_counters(heap->shared, &counters))
		*ret_alloc_ns += counters.cnt[COUNTER_heap_samples] * SAMPLE_NS;
}

static void guard__begin_round(struct collector *heap, uint64_t own_ns)
{
	struct heap_guard *guard = &heap->guard;

	guard->time_ns = clock__ns(CLOCK_MONOTONIC);
	guard->own_ns = own_ns;
	heap__cost(heap, &guard->alloc_ns, &guard->free_ns);
	guard->tick = 0;
	guard->tick_on = guard->thin ? (uint32_t)random() & ((1u << guard->thin) - 1) : 0;
}

static void heap__switch_allocs(struct collector *heap)
{
	bool on = heap_guard__allocs_are_on(&heap->guard);
	uint32_t i;

	for (i = 0; i < heap->target_end; i++) {
		if (heap->targets[i].state != HEAP_TARGET_LIVE)
			continue;
		if (on)
			heap_target__add_allocs(&heap->targets[i], &heap->programs);
		else
			heap_target__drop_allocs(&heap->targets[i]);
	}
}

static void heap__set_thin(struct collector *heap, uint32_t thin)
{
	uint32_t i;

	heap->guard.thin = thin;
	for (i = 0; i < HEAP_PROCESSES_MAX; i++)
		__atomic_store_n(&heap->tables.processes[i].thin, thin, __ATOMIC_RELAXED);
}

static void heap__detach(struct collector *heap)
{
	uint32_t i;

	heap->guard.is_detached = true;
	heap->guard.detached_s = time(NULL);
	for (i = 0; i < heap->target_end; i++)
		heap_target__unprobe(&heap->targets[i]);
}

static void heap__act(struct collector *heap, enum heap_guard_verdict verdict, double max)
{
	struct heap_guard *guard = &heap->guard;
	double percent = 100 * guard->share;

	switch (verdict) {
	case HEAP_GUARD_THIN:
		heap__set_thin(heap, guard->thin + 1);
		heap__note(heap, HEAP_NOTE_WARN,
			"heap: probes cost %.1f %% of one CPU, more than --max-overhead %.3g: allocations are seen 1/%u of the "
			"time from now on and weighted up; a higher --max-overhead (100: no limit) sees more",
			percent, 100 * max, 1u << guard->thin);
		break;
	case HEAP_GUARD_THICKEN:
		heap__set_thin(heap, guard->thin - 1);
		heap__note(heap, HEAP_NOTE_INFO,
			"heap: probes cost %.1f %% of one CPU: allocations are seen 1/%u of the time again",
			percent, 1u << guard->thin);
		break;
	case HEAP_GUARD_DETACH:
		heap__detach(heap);
		heap__note(heap, HEAP_NOTE_WARN,
			"heap: probes cost %.1f %% of one CPU, more than --max-overhead %.3g even when thinned out: taken away, "
			"the heap profile ends here; raise --max-overhead (100: no limit)",
			percent, 100 * max);
		break;
	case HEAP_GUARD_GO_ON:
		break;
	}
}

static void heap__measure_cost(struct collector *heap)
{
	struct heap_guard *guard = &heap->guard;

	guard->is_measured = true;
	if (probe_cost__measure(&heap->programs, guard->hit_ns))
		return; /* the worst is assumed further on */
	heap__note(heap, HEAP_NOTE_DEBUG,
		"heap: a probe's hit costs %u ns here, %u ns where it is single-stepped",
		guard->hit_ns[1], guard->hit_ns[0]);
}

void heap__guard(struct collector *heap, uint32_t max_ppm, uint64_t own_ns)
{
	struct heap_guard *guard = &heap->guard;
	double max = (double)max_ppm / 1e6, elapsed_ns;
	enum heap_guard_verdict verdict;
	uint64_t alloc_ns, free_ns;

	if (max_ppm >= 1000000 || guard->is_detached)
		return;
	guard->max = max;
	if (!guard->time_ns) {
		/* as bad as it gets; measured once it matters, for that takes some milliseconds */
		guard->hit_ns[0] = guard->hit_ns[1] = HIT_NS_MAX;
		guard__begin_round(heap, own_ns);
		return;
	}
	if (++guard->tick < 1u << guard->thin) {
		heap__switch_allocs(heap);
		return;
	}
	elapsed_ns = (double)(clock__ns(CLOCK_MONOTONIC) - guard->time_ns);
	if (elapsed_ns <= 0)
		return;
	heap__cost(heap, &alloc_ns, &free_ns);
	if (!guard->is_measured && (double)(alloc_ns + free_ns + own_ns - guard->alloc_ns -
					    guard->free_ns - guard->own_ns) > max * elapsed_ns) {
		heap__measure_cost(heap);
		guard__begin_round(heap, own_ns);
		return;
	}
	if (shared__sizes(heap->shared)->heap_thin) {
		guard__begin_round(heap, own_ns);
		heap__switch_allocs(heap);
		return;
	}
	verdict = heap_guard__judge(guard, max, (double)(alloc_ns - guard->alloc_ns) / elapsed_ns,
		(double)(free_ns - guard->free_ns) / elapsed_ns,
		(double)(own_ns - guard->own_ns) / elapsed_ns);
	heap__act(heap, verdict, max);
	guard__begin_round(heap, own_ns);
	if (!guard->is_detached && (guard->thin || verdict != HEAP_GUARD_GO_ON))
		heap__switch_allocs(heap);
}
