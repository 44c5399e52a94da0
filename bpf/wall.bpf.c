// SPDX-License-Identifier: GPL-2.0
/* A tick of the wall clock: every thread that is off its CPU counts where it is. Those on a CPU count by wall_clock.bpf.c. */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "sample.bpf.h"
#include "walk_other.bpf.h"
#include "wall.h"

SAMPLE_MAPS(wall)

struct wall_control wall_control;
struct sample_key
	wall_key; /* of the thread at hand: on 6.1 the program's stack has no room for it */

/* What the last walk of a thread found: as long as it has not run since, it is there still. */
struct wall_thread {
	u64 switch_cnt; /* + 1: 0 says that there was no walk */
	u64 stack;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct wall_thread);
} wall_threads SEC(".maps");

/* A walk that may end otherwise next time is not remembered, nor one whose stack did not get through. */
static __always_inline bool walk__is_final(const struct thread_record *record)
{
	u64 hash = record->stack;

	return record->end != STACK_END_NO_TABLE && record->end != STACK_END_NO_MAPPING &&
	       record->end != STACK_END_UNREADABLE && !(record->flags & THREAD_AGAIN) &&
	       bpf_map_lookup_elem(&stacks_shipped, &hash);
}

static __always_inline void wall__take_stack(
	struct thread_record *record, struct task_struct *task, u32 state)
{
	struct wall_thread *thread = bpf_task_storage_get(
		&wall_threads, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	u64 switch_cnt = task__switch_cnt(task) + 1;

	if (thread && thread->switch_cnt == switch_cnt && !task->on_cpu) {
		u64 hash = thread->stack;

		/* The daemon may have forgotten it meanwhile. */
		if (bpf_map_lookup_elem(&stacks_shipped, &hash)) {
			record->stack = hash;
			return;
		}
	}
	walk__other(record, task, state);
	if (thread && record->stack && walk__is_final(record)) {
		thread->stack = record->stack;
		thread->switch_cnt = switch_cnt;
	}
}

/*
 * The tick comes late where CPUs are scarce, and it finds nobody on the CPU that it took: who ran there when it was due, and was
 * displaced meanwhile, by the daemon or by others, ran in this tick.
 */
static __always_inline bool task__ran_at(struct task_struct *task, u64 due_ns)
{
	u64 due = due_ns + (u64)pass.rq_clock_offset_ns, since;

	if (!pass.rq_clock_is_known || task->thread_info.cpu != bpf_get_smp_processor_id() ||
		!task__is_fair(task))
		return false;
	since = task->sched_info.last_arrival;
	return since <= due &&
	       due < since + task->se.sum_exec_runtime - task->se.prev_sum_exec_runtime;
}

/* Run by the daemon, which flips the epoch too: none is entered. */
SEC("?iter.s/task")
int wall_pass(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct thread_record record = {};
	struct sample_key *key = &wall_key;
	struct control *control;
	u32 zero = 0, state;

	if (!ctx->meta->seq_num)
		rq_clock__learn();
	if (!task || !task->pid || task->flags & PF_KTHREAD)
		return 0;
	__builtin_memset(key, 0, sizeof(*key));
	key->pid = task__pid(task);
	if (!key->pid || !task__is_target(task, key->pid))
		return 0;
	state = task__state(task);
	if (state == THREAD_RUNNING || state == THREAD_DEAD ||
		task__ran_at(task, wall_control.due_ns))
		return 0;
	key->tag = THREAD_STATE_WORD(state, task__syscall(task));
	sample_key__name(key, task);
	key->cgroup = task__cgroup(task);
	record.pid = key->pid;
	record.start_ns = key->start_ns;
	record.state = key->tag;
	wall__take_stack(&record, task, state);
	if (record.flags & THREAD_MOVED)
		counter__inc(COUNTER_wall_moved);
	key->stack = record.stack;
	control = bpf_map_lookup_elem(&controls, &zero);
	if (!control)
		return 0;
	wall_control.threads++;
	sample__count(&wall_samples_0, &wall_samples_1, &wall_lost, control->epoch & 1, key,
		wall_control.cnt, wall_control.ns);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
