// SPDX-License-Identifier: GPL-2.0
/* CPU samples: a clock on each CPU, the stack that runs when it ticks. */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#include "clock.bpf.h"

SAMPLE_MAPS(cpu)

SEC("?perf_event")
int cpu_sample(struct bpf_perf_event_data *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct sample_key key = {};
	u64 start = bpf_ktime_get_ns(), unit = tick__unit(ctx), weight;

	if (!task->pid) /* idle */
		return 0;
	key.pid = task__pid(task);
	if (!task__is_target(task, key.pid))
		return 0;
	weight = tick__weight(task, start, unit);
	counter__add(COUNTER_samples, weight);
	if (weight > unit)
		counter__inc(COUNTER_samples_late);
	sample_key__fill(&key, task);
	clock__count(ctx, task, &key, weight, &cpu_samples_0, &cpu_samples_1, &cpu_lost);
	counter__add(COUNTER_samples_ns, bpf_ktime_get_ns() - start);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
