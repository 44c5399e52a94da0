// SPDX-License-Identifier: GPL-2.0
/* Keeps the set of profiled processes: children join it where they are followed, and who exits leaves it, so that the
 * pid's next owner is not taken for him. */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "common.bpf.h"

SEC("?tp_btf/sched_process_fork")
int BPF_PROG(target_fork, struct task_struct *parent, struct task_struct *child)
{
	u32 parent_pid = task__pid(parent), pid = task__pid(child), one = 1;

	if (!pid || pid == parent_pid || !bpf_map_lookup_elem(&targets, &parent_pid))
		return 0;
	if (bpf_map_update_elem(&targets, &pid, &one, BPF_ANY))
		counter__inc(COUNTER_target_map_full);
	return 0;
}

SEC("?tp_btf/sched_process_exit")
int BPF_PROG(target_exit, struct task_struct *task)
{
	u32 pid = task__pid(task);

	/* do_exit() has counted this thread out already: at 0 the last one is going */
	if (task->signal->live.counter == 0)
		bpf_map_delete_elem(&targets, &pid);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
