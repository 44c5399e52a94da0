// SPDX-License-Identifier: GPL-2.0
/* Every thread as it is now, with its stack: one pass of an iterator that may sleep. Nothing is stopped for it. */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "walk_other.bpf.h"

static __always_inline void thread_record__fill(
	struct thread_record *record, struct task_struct *task, u32 state)
{
	struct task_struct *leader = task->group_leader;
	s32 syscall = state == THREAD_DEAD ? THREAD_NO_SYSCALL : task__syscall(task);

	record->start_ns = leader->start_boottime;
	record->cgroup = task__cgroup(task);
	record->tid = task__tid(task);
	record->state = THREAD_STATE_WORD(state, syscall);
	record->in_state_ns = task__in_state_ns(task, state);
	if (task->flags & PF_KTHREAD)
		record->flags |= THREAD_KERNEL;
	task__copy_comm(record->comm, leader);
	task__copy_comm(record->thread, task);
}

/* A record that finds the buffer full makes the iterator call again for this thread: the same stack is not sent twice. */
SEC("?iter.s/task")
int threads_pass(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct thread_record record = {};
	u32 state;

	if (!ctx->meta->seq_num)
		rq_clock__learn();
	if (!task || !task->pid)
		return 0;
	record.pid = task__pid(task);
	if (!record.pid || !task__is_target(task, record.pid))
		return 0;
	state = task__state(task);
	thread_record__fill(&record, task, state);
	if (state != THREAD_DEAD)
		walk__other(&record, task, state);
	bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
