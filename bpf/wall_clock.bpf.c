// SPDX-License-Identifier: GPL-2.0
/* The part of the wall clock's profile that threads spend on a CPU: a clock on each CPU, as for the CPU profile. */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#include "clock.bpf.h"
#include "thread.h"

SAMPLE_MAPS(wall_cpu)

SEC("?perf_event")
int wall_clock(struct bpf_perf_event_data *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct sample_key key = {};
	u64 weight;

	if (!task->pid || task->flags & PF_KTHREAD)
		return 0;
	key.pid = task__pid(task);
	if (!task__is_target(task, key.pid))
		return 0;
	weight = tick__weight(task, bpf_ktime_get_ns(), tick__unit(ctx));
	sample_key__fill(&key, task);
	key.tag = THREAD_STATE_WORD(THREAD_RUNNING, THREAD_NO_SYSCALL);
	clock__count(
		ctx, task, &key, weight, &wall_cpu_samples_0, &wall_cpu_samples_1, &wall_cpu_lost);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
