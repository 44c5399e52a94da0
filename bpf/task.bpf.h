/* SPDX-License-Identifier: GPL-2.0 */
/* What programs ask of a task. */
#ifndef BPF_TASK_BPF_H
#define BPF_TASK_BPF_H

#include "common.bpf.h"

/* The thread's id as the daemon's user sees it; 0: it is outside of the daemon's pid namespace. */
static __always_inline u32 task__tid(struct task_struct *task)
{
	struct pid *pid;

	if (!options.pidns_inum)
		return task->pid;
	pid = BPF_CORE_READ(task, thread_pid);
	return pid ? pid__in_ns(pid) : 0;
}

static __always_inline bool task__is_queued(struct task_struct *task)
{
	if (!task->on_rq)
		return false;
	return !bpf_core_field_exists(task->se.sched_delayed) || !task->se.sched_delayed;
}

/* Of cgroup v2: what bpf_get_current_cgroup_id() says of the current task. */
static __always_inline u64 task__cgroup(struct task_struct *task)
{
	return BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id);
}

static __always_inline u64 task__switch_cnt(struct task_struct *task)
{
	return task->nvcsw + task->nivcsw;
}

#endif
