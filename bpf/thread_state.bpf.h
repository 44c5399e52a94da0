/* SPDX-License-Identifier: GPL-2.0 */
/* What a thread does, and for how long. */
#ifndef BPF_THREAD_STATE_BPF_H
#define BPF_THREAD_STATE_BPF_H

#include "regs.h"
#include "task.bpf.h"
#include "thread.h"

/* include/uapi/linux/sched.h */
#define SCHED_NORMAL 0
#define SCHED_BATCH  3
#define SCHED_IDLE   5

/*
 * Kernels do not tell when a thread went to sleep, but when it was put on a CPU (sched_info.last_arrival) and for how
 * long it then ran (what a fair entity's sum_exec_runtime grew by since). Both are in the clock of the run queues, which
 * no helper reads; the one of this CPU was written when the daemon yielded right before the pass, at the latest by the last tick.
 */
static __always_inline void rq_clock__learn(void)
{
	struct task_struct *current = bpf_get_current_task_btf();
	u64 clock;

	pass.rq_clock_is_known = 0;
	if (!bpf_core_field_exists(current->sched_info) ||
		!bpf_core_field_exists(struct cfs_rq, rq))
		return;
	clock = BPF_CORE_READ(current, se.cfs_rq, rq, clock);
	pass.rq_clock_is_known = clock != 0;
	pass.rq_clock_offset_ns = (s64)(clock - bpf_ktime_get_ns());
}

static __always_inline u64 rq_clock__since(u64 then)
{
	u64 now = bpf_ktime_get_ns() + (u64)pass.rq_clock_offset_ns;

	if (!then || !pass.rq_clock_is_known)
		return THREAD_IN_STATE_UNKNOWN;
	return now > then ? now - then : 0; /* CPUs' clocks differ by a little */
}

/* The daemon runs in the place of this thread: it left the CPU in the switch in which the daemon came. */
static __always_inline bool task__is_displaced(struct task_struct *task)
{
	struct task_struct *current = bpf_get_current_task_btf();

	return bpf_core_field_exists(task->sched_info) &&
	       task->thread_info.cpu == bpf_get_smp_processor_id() &&
	       task->sched_info.last_queued == current->sched_info.last_arrival;
}

static __always_inline u32 task__state(struct task_struct *task)
{
	u32 state = task->__state;

	if (task->on_cpu)
		return THREAD_RUNNING;
	if (task__is_queued(task))
		return task__is_displaced(task) ? THREAD_RUNNING : THREAD_RUNNABLE;
	if (task->exit_state || state & TASK_DEAD)
		return THREAD_DEAD;
	if (state & TASK_TRACED)
		return THREAD_TRACED;
	if (state & TASK_STOPPED_TRACED)
		return THREAD_STOPPED;
	if (state & TASK_UNINTERRUPTIBLE)
		return state & TASK_NOLOAD ? THREAD_IDLE : THREAD_DISK;
	return THREAD_SLEEPING;
}

/* Its entity knows how long it ran since it last was put on a CPU. */
static __always_inline bool task__is_fair(struct task_struct *task)
{
	return bpf_core_field_exists(task->sched_info) &&
	       (task->policy == SCHED_NORMAL || task->policy == SCHED_BATCH ||
		       task->policy == SCHED_IDLE);
}

static __always_inline u64 task__in_state_ns(struct task_struct *task, u32 state)
{
	u64 ran_ns = 0;

	if (!bpf_core_field_exists(task->sched_info))
		return THREAD_IN_STATE_UNKNOWN;
	if (state == THREAD_RUNNABLE)
		return rq_clock__since(task->sched_info.last_queued);
	if (!task->sched_info.last_arrival)
		return THREAD_IN_STATE_UNKNOWN; /* it has not run yet */
	if (state != THREAD_RUNNING && task__is_fair(task))
		ran_ns = task->se.sum_exec_runtime - task->se.prev_sum_exec_runtime;
	return rq_clock__since(task->sched_info.last_arrival + ran_ns);
}

/* The system call that a thread sleeps in. An interrupt or a fault of user mode says that there is none. */
static __always_inline s32 task__syscall(struct task_struct *task)
{
	struct pt_regs *regs;

	if (task->flags & PF_KTHREAD)
		return THREAD_NO_SYSCALL;
	regs = (struct pt_regs *)bpf_task_pt_regs(task);
	return (s32)pt_regs__syscall(regs);
}

#endif
