// SPDX-License-Identifier: GPL-2.0
/* The SCHED line in the words of Go's schedtrace: a P is a CPU, an M is a thread. */
#include "output/sched_line.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "output/text.h"

#define NS_PER_US 1000u
#define NS_PER_MS 1000000u

static const char *const state_names[SCHED_THREAD_STATE_CNT] = {
	[SCHED_THREAD_SLEEPING] = "sleeping",
	[SCHED_THREAD_WAITING] = "waiting",
	[SCHED_THREAD_RUNNING] = "running",
	[SCHED_THREAD_DISK] = "disk",
	[SCHED_THREAD_STOPPED] = "stopped",
	[SCHED_THREAD_DEAD] = "dead",
};

static int stream__error(FILE *out)
{
	return ferror(out) ? -EIO : 0;
}

int sched_line__print(const struct sched_snapshot *snapshot, FILE *out)
{
	uint32_t i;

	fprintf(out,
		"SCHED %" PRIu64
		"ms: cpus=%u idlecpus=%u threads=%u spinningthreads=%u idlethreads=%u runqueue=%u [",
		snapshot->elapsed_ns / NS_PER_MS, snapshot->cpu_cnt, snapshot->idle_cpu_cnt,
		snapshot->thread_cnt, snapshot->spinning_cnt, snapshot->idle_thread_cnt,
		snapshot->waiting_cnt);
	for (i = 0; i < snapshot->cpu_cnt; i++)
		fprintf(out, "%s%u", i ? " " : "", snapshot->cpus[i].waiting_cnt);
	fprintf(out,
		"] switches=%" PRIu64 " wait(us)=p50:%" PRIu64 ",p99:%" PRIu64 ",max:%" PRIu64
		" lost=%" PRIu64 "\n",
		snapshot->switch_cnt,
		wait_histogram__percentile_ns(&snapshot->waits, 50) / NS_PER_US,
		wait_histogram__percentile_ns(&snapshot->waits, 99) / NS_PER_US,
		snapshot->waits.max_ns / NS_PER_US, snapshot->lost_cnt);
	return stream__error(out);
}

static void cpu__print(const struct sched_cpu_figures *cpu, FILE *out)
{
	fprintf(out, "  P%u: status=%s runqsize=%u switches=%" PRIu64, cpu->cpu,
		cpu->is_idle ? "idle" : "running", cpu->waiting_cnt, cpu->switch_cnt);
	if (cpu->running_tid)
		fprintf(out, " m=%u\n", cpu->running_tid);
	else
		fputs(" m=nil\n", out);
}

static int thread__print(const struct sched_thread_record *thread, FILE *out)
{
	char comm[TASK_COMM_BYTES + 1];
	int err;

	fprintf(out,
		"  M%u: p=%u status=%s pid=%u oncpu(us)=%" PRIu64 " wait(us)=%" PRIu64
		" switches=%" PRIu64 " comm=",
		thread->tid, thread->cpu,
		thread->state < SCHED_THREAD_STATE_CNT ? state_names[thread->state] : "?",
		thread->pid, (uint64_t)thread->oncpu_ns / NS_PER_US,
		(uint64_t)thread->wait_ns / NS_PER_US, (uint64_t)thread->switches);
	memcpy(comm, thread->comm, TASK_COMM_BYTES);
	comm[TASK_COMM_BYTES] = '\0';
	err = text__print_escaped(comm, out);
	fputc('\n', out);
	return err;
}

int sched_line__print_detail(const struct sched_snapshot *snapshot, FILE *out)
{
	size_t i;
	int err = 0;

	for (i = 0; i < snapshot->cpu_cnt; i++)
		cpu__print(&snapshot->cpus[i], out);
	for (i = 0; !err && i < snapshot->record_cnt; i++)
		err = thread__print(&snapshot->records[i], out);
	if (!err && snapshot->record_cnt && snapshot->record_cnt < snapshot->thread_cnt)
		fprintf(out, "  ... %zu more threads\n",
			snapshot->thread_cnt - snapshot->record_cnt);
	return err ? err : stream__error(out);
}
