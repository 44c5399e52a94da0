/* SPDX-License-Identifier: GPL-2.0 */
/* What the heap's probes cost, and what is done when that is too much. */
#ifndef COLLECT_HEAP_GUARD_H
#define COLLECT_HEAP_GUARD_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/*
 * A probe that is hit costs the same whether its call is sampled or not, so a coarser rate would not help. Thinned out, the
 * probes that allocate are there for 1/2^thin of the ticks only, one at random in each 2^thin, and what is sampled then
 * stands for 2^thin as much; those that free stay, so that nothing that was freed is in use. If that is not enough, all
 * are taken away.
 */
struct heap_guard {
	uint32_t hit_ns[2]; /* of a probe: single-stepped, emulated */
	bool is_measured;
	uint32_t thin;
	uint32_t tick, tick_on; /* of the 2^thin in a round, and the one with probes */
	bool is_detached;
	time_t detached_s;            /* when, in seconds since 1970 */
	double max;                   /* what all may cost, of one CPU; 0: never judged */
	uint32_t over_cnt, under_cnt; /* rounds in a row above the limit, and well below it */
	/* At the start of the round. */
	uint64_t time_ns, own_ns, alloc_ns, free_ns;
	double share; /* of one CPU, in the last round */
};

static inline bool heap_guard__allocs_are_on(const struct heap_guard *guard)
{
	return !guard->is_detached && guard->tick == guard->tick_on;
}

enum heap_guard_verdict {
	HEAP_GUARD_GO_ON,
	HEAP_GUARD_THIN,    /* once more */
	HEAP_GUARD_THICKEN, /* once less */
	HEAP_GUARD_DETACH,
};

/* What to do after a round in which allocating probes had so great a share of one CPU, freeing ones and the daemon so great a
 * one. */
enum heap_guard_verdict heap_guard__judge(struct heap_guard *guard, double max, double alloc_share,
	double free_share, double own_share);

/* Nanoseconds that a hit of the program's probe costs here: ret_ns[0] on an instruction that is single-stepped, [1] on one
 * that the kernel emulates. Measured on functions of our own, in a child. 0 or -errno. */
struct heap_programs;
int probe_cost__measure(const struct heap_programs *programs, uint32_t ret_ns[2]);
/* The functions: their first instructions are of these kinds. */
void probe_cost__stepped(void *argument);
void probe_cost__emulated(void *argument);

#endif
