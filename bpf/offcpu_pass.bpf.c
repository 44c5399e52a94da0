// SPDX-License-Identifier: GPL-2.0
/* Stacks of threads whose wait has none yet: it began before the attach, or was not sampled and came out long. */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "walk_other.bpf.h"
#include "offcpu_thread.bpf.h"

struct offcpu_pass_control offcpu_pass_control;

/* Run by the daemon before offcpu_threads, which counts what it finds. A program that may sleep reads the memory of others; it
 * shares the states with the programs of offcpu.bpf.c. */
SEC("?iter.s/task")
int offcpu_pass(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct thread_record record = {};
	struct offcpu_thread *thread;
	u64 left_ns, now;
	u32 state;

	if (!task || !task->pid || task->flags & PF_EXITING)
		return 0;
	thread = bpf_task_storage_get(&offcpu_threads_states, task, 0, 0);
	if (!thread || (thread->stack && !thread->is_cut))
		return 0;
	left_ns = *(volatile u64 *)&thread->left_ns;
	now = bpf_ktime_get_ns();
	if (!left_ns || now < left_ns)
		return 0;
	if (!thread->is_unseen && !thread->is_cut &&
		!offcpu_thread__is_surprised(thread, now - left_ns))
		return 0;
	state = task__state(task);
	record.pid = task__pid(task);
	record.start_ns = task->group_leader->start_boottime;
	record.state = THREAD_STATE_WORD(state, task__syscall(task));
	walk__other(&record, task, state);
	if (record.stack && *(volatile u64 *)&thread->left_ns == left_ns) {
		thread->stack = record.stack;
		thread->is_cut = stack_end__is_early(record.end) ||
				 !stack__is_shipped(record.stack);
		offcpu_pass_control.cut_cnt += thread->is_cut;
	}
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
