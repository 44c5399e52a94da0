/* SPDX-License-Identifier: GPL-2.0 */
/* The stack of a task that is off its CPU: it stands still while it is walked, and that it did is checked afterwards. */
#ifndef BPF_WALK_OTHER_BPF_H
#define BPF_WALK_OTHER_BPF_H

#define WALK_OF_OTHER_TASKS
#include "walk.bpf.h"
#include "thread_state.bpf.h"

/* Only the daemon runs passes, one at a time: it needs no slot of the scratches, which it could hold for as long as a page takes. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct walk);
} other_walk SEC(".maps");

static __always_inline void walk__other_kernel(struct walk *walk, struct task_struct *task)
{
	walk__use_kernel(
		walk, bpf_get_task_stack(task, walk->frames, KERNEL_FRAMES_MAX * sizeof(u64), 0));
}

static __always_inline void walk__other_user(struct walk *walk, struct task_struct *task, u32 pid)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	u64 syscall = pt_regs__syscall(regs);

	walk->in_clone = syscall == SYSCALL_CLONE || syscall == SYSCALL_CLONE3;
	user_regs__copy(&walk->regs, regs);
	walk__user(walk, task, pid, syscall == SYSCALL_EXECVE || syscall == SYSCALL_EXECVEAT);
}

/*
 * Walks the stack and sends it, unless the thread ran meanwhile; fills what the record says of the stack. state: of
 * the thread. The daemon is inside this program: it changes no mapping and no unwind row meanwhile, so no epoch is entered.
 */
static __always_inline void walk__other(
	struct thread_record *record, struct task_struct *task, u32 state)
{
	u64 switch_cnt = task__switch_cnt(task);
	bool has_user = !(task->flags & PF_KTHREAD) && task->mm;
	struct walk *walk;
	u32 zero = 0;

	if (task->on_cpu) {
		record->flags |= THREAD_ON_CPU;
		return;
	}
	walk = bpf_map_lookup_elem(&other_walk, &zero);
	if (!walk)
		return;
	area__forget();
	walk__begin(walk);
	/* The kernel's part of a thread that was preempted in user mode is that of the preemption. */
	if (state > THREAD_RUNNABLE || !has_user ||
		THREAD_STATE_WORD__SYSCALL(record->state) != THREAD_NO_SYSCALL)
		walk__other_kernel(walk, task);
	if (has_user)
		walk__other_user(walk, task, record->pid);
	if (pass.area_is_locked)
		record->flags |= THREAD_LOCKED;
	if (task->on_cpu || switch_cnt != task__switch_cnt(task)) {
		record->flags |= THREAD_MOVED;
		return;
	}
	record->stack = walk__finish(walk, task, record->pid, record->start_ns);
	record->end = walk->end;
}

#endif
