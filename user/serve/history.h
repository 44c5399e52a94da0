/* SPDX-License-Identifier: GPL-2.0 */
/* The last SCHED figures, for the page's charts, and all waits so far, for /metrics. */
#ifndef SERVE_HISTORY_H
#define SERVE_HISTORY_H

#include <stdint.h>

#include "collect/sched.h"

#define HISTORY_MAX 300

struct history_point {
	uint64_t time_ms; /* of the clock on the wall */
	uint64_t elapsed_ms, interval_ms;
	uint32_t cpus, idle_cpus, threads, spinning, idle_threads, waiting;
	uint64_t switches, lost;
	uint64_t wait_p50_us, wait_p99_us, wait_max_us;
};

struct history {
	struct history_point points[HISTORY_MAX];
	uint64_t cnt; /* ever added; the last one is points[(cnt - 1) % HISTORY_MAX] */
	struct wait_histogram waits;
	uint64_t wait_sum_ns; /* by the middle of each bucket */
	uint64_t switch_cnt;
};

void history__add(struct history *history, const struct sched_snapshot *snapshot);

#endif
