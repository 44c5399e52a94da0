// SPDX-License-Identifier: GPL-2.0
/* The last SCHED figures. */
#include "serve/history.h"

#include "process/clock.h"

void history__add(struct history *history, const struct sched_snapshot *snapshot)
{
	const struct wait_histogram *waits = &snapshot->waits;
	uint32_t i;

	history->points[history->cnt++ % HISTORY_MAX] = (struct history_point){
		.time_ms = clock__ns(CLOCK_REALTIME) / 1000000,
		.elapsed_ms = snapshot->elapsed_ns / 1000000,
		.interval_ms = snapshot->interval_ns / 1000000,
		.cpus = snapshot->cpu_cnt,
		.idle_cpus = snapshot->idle_cpu_cnt,
		.threads = snapshot->thread_cnt,
		.spinning = snapshot->spinning_cnt,
		.idle_threads = snapshot->idle_thread_cnt,
		.waiting = snapshot->waiting_cnt,
		.switches = snapshot->switch_cnt,
		.lost = snapshot->lost_cnt,
		.wait_p50_us = wait_histogram__percentile_ns(waits, 50) / 1000,
		.wait_p99_us = wait_histogram__percentile_ns(waits, 99) / 1000,
		.wait_max_us = waits->max_ns / 1000,
	};
	history->switch_cnt += snapshot->switch_cnt;
	history->waits.total += waits->total;
	if (waits->max_ns > history->waits.max_ns)
		history->waits.max_ns = waits->max_ns;
	for (i = 0; i < SCHED_WAIT_BUCKETS; i++) {
		uint64_t floor_ns = wait_histogram__floor_ns(i),
			 width_ns = wait_histogram__floor_ns(i + 1) - floor_ns;

		history->waits.cnt[i] += waits->cnt[i];
		history->wait_sum_ns += waits->cnt[i] * (floor_ns + width_ns / 2);
	}
}
