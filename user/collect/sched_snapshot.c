// SPDX-License-Identifier: GPL-2.0
/* Filling a snapshot of the scheduler's figures. */
#include "collect/sched_snapshot.h"

#include <stdio.h>

void snapshot__add_cpu(
	struct sched_snapshot *snapshot, struct sched_cpu *cpu, struct sched_cpu *before)
{
	uint64_t max_ns = __atomic_exchange_n(&cpu->wait_max_ns, 0, __ATOMIC_RELAXED);
	struct sched_cpu now = *cpu;
	uint32_t i;

	for (i = 0; i < SCHED_WAIT_BUCKETS; i++) {
		uint32_t cnt = now.waits[i] - before->waits[i];

		snapshot->waits.cnt[i] += cnt;
		snapshot->waits.total += cnt;
	}
	if (max_ns > snapshot->waits.max_ns)
		snapshot->waits.max_ns = max_ns;
	snapshot->switch_cnt += now.switches - before->switches;
	snapshot->spinning_cnt += (uint32_t)(now.yielded - before->yielded);
	*before = now;
}

void snapshot__add_hidden(struct sched_snapshot *snapshot)
{
	FILE *file = fopen("/proc/loadavg", "re");
	uint32_t thread_cnt = 0;

	if (!file)
		return;
	if (fscanf(file, "%*s %*s %*s %*u/%u", &thread_cnt) == 1 &&
		thread_cnt > snapshot->thread_cnt) {
		snapshot->idle_thread_cnt += thread_cnt - snapshot->thread_cnt;
		snapshot->thread_cnt = thread_cnt;
	}
	fclose(file);
}
