// SPDX-License-Identifier: GPL-2.0
/* Which stack created each thread that is alive: kept with the thread, so that it goes when the thread does. */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "task.bpf.h"
#include "thread.h"
#include "walk.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct thread_creation);
} thread_creations SEC(".maps");

struct threadcreate_control threadcreate_control;

/* The stack of the current task, which is in clone(2). The kernel's part is the same for all. */
static __always_inline u64 creator__stack(struct walk *walk, struct task_struct *creator, u32 pid)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(creator);

	walk__begin(walk);
	walk->in_clone = 1;
	user_regs__copy(&walk->regs, regs);
	walk__user(walk, creator, pid, false);
	return walk__finish(walk, creator, pid, creator->group_leader->start_boottime);
}

static __always_inline void creation__take_stack(
	struct thread_creation *creation, struct task_struct *creator, u32 pid)
{
	struct epoch_users *users;
	struct scratch *scratch;
	int parity = epoch__enter(&users);

	scratch = parity < 0 ? NULL : scratch__get();
	if (scratch) {
		creation->stack = creator__stack(&scratch->walk, creator, pid);
		scratch__put(scratch);
	} else {
		counter__inc(COUNTER_threadcreate_lost);
	}
	if (parity >= 0)
		epoch__exit(users, parity);
}

/* Called by the creator; the child has not run yet, and no lock is held. */
SEC("?tp_btf/sched_process_fork")
int BPF_PROG(threadcreate_fork, struct task_struct *parent, struct task_struct *child)
{
	u32 pid = task__pid(parent);
	struct thread_creation *creation;

	if (parent->flags & PF_KTHREAD || !parent->mm)
		return 0;
	if (!task__is_target(child, task__pid(child)) &&
		!(options.follow_children && task__is_target(parent, pid)))
		return 0;
	creation = bpf_task_storage_get(
		&thread_creations, child, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (creation)
		creation__take_stack(creation, parent, pid);
	else
		counter__inc(COUNTER_threadcreate_lost);
	return 0;
}

/* Run by the daemon over all threads. */
SEC("?iter/task")
int threadcreate_pass(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task, *leader;
	struct thread_creation *creation;
	struct thread_record record = {};

	if (!task || !task->pid)
		return 0;
	record.pid = task__pid(task);
	if (!record.pid || !task__is_target(task, record.pid))
		return 0;
	leader = task->group_leader;
	if (task->exit_state)
		return 0; /* a zombie is no thread that lives */
	creation = bpf_task_storage_get(&thread_creations, task, 0, 0);
	if (creation)
		record.stack = creation->stack;
	else if (task->start_boottime < threadcreate_control.attach_ns)
		record.state = THREAD_STATE_WORD(THREAD_UNSEEN, THREAD_NO_SYSCALL);
	record.tid = task__tid(task);
	record.start_ns = leader->start_boottime;
	record.cgroup = task__cgroup(task);
	task__copy_comm(record.comm, leader);
	bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
