// SPDX-License-Identifier: GPL-2.0
/* Threads that run while a pass goes over them: where a clock on the thread meets them. */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#include "task.bpf.h"
#include "thread.h"
#include "walk_sample.bpf.h"

/* By tid; the daemon takes them out. No more threads run at a time than there are CPUs. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, u32);
	__type(value, struct thread_sample);
} thread_samples SEC(".maps");

SEC("?perf_event")
int thread_sample(struct bpf_perf_event_data *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u32 tid = task__tid(task), pid = task__pid(task);
	struct thread_sample sample = {};
	struct epoch_users *users;
	struct scratch *scratch;
	int parity;

	if (!pid || bpf_map_lookup_elem(&thread_samples, &tid))
		return 0; /* it has been met */
	parity = epoch__enter(&users);
	if (parity < 0)
		return 0; /* the clock goes on: the next tick does it */
	scratch = scratch__get();
	if (scratch) {
		sample.stack = walk__sample(
			&scratch->walk, ctx, task, pid, task->group_leader->start_boottime);
		sample.end = scratch->walk.end;
		scratch__put(scratch);
		bpf_map_update_elem(&thread_samples, &tid, &sample, BPF_ANY);
	}
	epoch__exit(users, parity);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
