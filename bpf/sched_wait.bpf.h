/* SPDX-License-Identifier: GPL-2.0 */
/* Which bucket of sched_cpu.waits a wait is counted in. */
#ifndef BPF_SCHED_WAIT_BPF_H
#define BPF_SCHED_WAIT_BPF_H

#include "sched_stats.h"

/* BPF has no instruction that finds the highest bit, and clang's substitute is longer. */
static __always_inline __u32 log2_floor(__u64 value)
{
	__u32 log2 = 0;

	if (value >> 32) {
		value >>= 32;
		log2 = 32;
	}
	if (value >> 16) {
		value >>= 16;
		log2 += 16;
	}
	if (value >> 8) {
		value >>= 8;
		log2 += 8;
	}
	if (value >> 4) {
		value >>= 4;
		log2 += 4;
	}
	if (value >> 2) {
		value >>= 2;
		log2 += 2;
	}
	return log2 + (value >> 1);
}

/* Values below 8 have a bucket each; then the three bits below the highest choose among eight. */
static __always_inline __u32 sched_wait__bucket(__u64 wait_ns)
{
	__u32 shift;

	if (wait_ns >> SCHED_WAIT_SUB_BITS == 0)
		return wait_ns;
	if (wait_ns >> (SCHED_WAIT_LOG2_MAX + 1))
		return SCHED_WAIT_BUCKETS - 1;
	shift = log2_floor(wait_ns) - SCHED_WAIT_SUB_BITS;
	return (shift << SCHED_WAIT_SUB_BITS) + (wait_ns >> shift);
}

#endif
