// SPDX-License-Identifier: GPL-2.0
/* Percentiles of a log-linear histogram, after Tene's HdrHistogram. */
#include "collect/wait_histogram.h"

#define SUB_CNT (1u << SCHED_WAIT_SUB_BITS)

uint64_t wait_histogram__floor_ns(uint32_t bucket)
{
	if (bucket < SUB_CNT)
		return bucket;
	return (uint64_t)(SUB_CNT + bucket % SUB_CNT) << (bucket / SUB_CNT - 1);
}

uint64_t wait_histogram__percentile_ns(const struct wait_histogram *histogram, uint32_t percent)
{
	uint64_t rank = (uint64_t)(((__uint128_t)histogram->total * percent + 99) / 100);
	uint64_t before = 0, floor_ns, width_ns, value_ns;
	uint32_t bucket;

	if (!histogram->total)
		return 0;
	for (bucket = 0; bucket < SCHED_WAIT_BUCKETS - 1; bucket++) {
		if (before + histogram->cnt[bucket] >= rank)
			break;
		before += histogram->cnt[bucket];
	}
	floor_ns = wait_histogram__floor_ns(bucket);
	width_ns = wait_histogram__floor_ns(bucket + 1) - floor_ns;
	value_ns = floor_ns;
	/* The waits of a bucket are taken to lie evenly in it, each in the middle of its share. */
	if (histogram->cnt[bucket])
		value_ns += (uint64_t)((__uint128_t)width_ns * (2 * (rank - before) - 1) /
				       (2 * histogram->cnt[bucket]));
	return value_ns < histogram->max_ns ? value_ns : histogram->max_ns;
}
