/* SPDX-License-Identifier: GPL-2.0 */
/* Waits counted by length, and their percentiles. */
#ifndef COLLECT_WAIT_HISTOGRAM_H
#define COLLECT_WAIT_HISTOGRAM_H

#include <stdint.h>

#include "sched_stats.h"

struct wait_histogram {
	uint64_t cnt[SCHED_WAIT_BUCKETS]; /* as bpf/sched_wait.bpf.h chooses the bucket */
	uint64_t total;                   /* sum of cnt */
	uint64_t max_ns;                  /* exact */
};

/* The shortest wait, in nanoseconds, that bucket holds, and of the bucket behind the last one
 * what would be. */
uint64_t wait_histogram__floor_ns(uint32_t bucket);
/* The wait that percent % of the waits do not exceed (nearest rank, interpolated inside its
 * bucket, never above max_ns), in nanoseconds; 0 when there were none. percent: 1 to 100. */
uint64_t wait_histogram__percentile_ns(const struct wait_histogram *histogram, uint32_t percent);

#endif
