/* SPDX-License-Identifier: GPL-2.0 */
/* What the off-CPU programs keep for each CPU, and the stack of a thread that leaves it. */
#ifndef BPF_OFFCPU_STACK_BPF_H
#define BPF_OFFCPU_STACK_BPF_H

#include "holders.bpf.h"
#include "offcpu_thread.bpf.h"
#include "syscalls.h"
#include "walk.bpf.h"

/* Of a stack taken in a tracepoint: the program itself and bpf_trace_runN(). With several programs on the tracepoint
 * __traceiter_NAME() follows; outputs leave it out. */
#define KERNEL_FRAMES_SKIPPED 2

struct offcpu_cpu {
	struct budget stacks;
	struct budget unlocks;
	/* A wait whose stack is taken at the end of this switch. */
	u64 late_off_ns; /* 0: there is none */
	u64 late_queue_ns;
	struct holders holders;
	struct sample_key
		switch_key; /* of offcpu_switch, which on 6.1 has no room for it on its stack */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct offcpu_cpu);
} offcpu_cpus SEC(".maps");

static __always_inline struct offcpu_cpu *offcpu_cpu__this(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&offcpu_cpus, &zero);
}

/* The stack of the current task, or without a context of a child that has not run yet: it shares its parent's memory, or
 * has a copy of it. Inside an epoch. 0: no buffer was free. */
static __always_inline u64 task__stack(
	void *ctx, struct task_struct *task, struct offcpu_thread *thread)
{
	struct scratch *scratch = scratch__get();
	u32 pid = task__pid(task);
	u64 hash;

	if (!scratch) {
		counter__inc(COUNTER_samples_no_scratch);
		return 0;
	}
	counter__inc(COUNTER_offcpu_stacks);
	walk__begin(&scratch->walk);
	if (ctx)
		walk__kernel_from(&scratch->walk, ctx, KERNEL_FRAMES_SKIPPED);
	if (!(task->flags & PF_KTHREAD) && task->mm) {
		struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
		u64 syscall = pt_regs__syscall(regs);

		user_regs__copy(&scratch->walk.regs, regs);
		walk__user(&scratch->walk, task, pid,
			syscall == SYSCALL_EXECVE || syscall == SYSCALL_EXECVEAT);
	}
	/* Some start code of threads has no row, having no caller. */
	if (!ctx && scratch->walk.record.user_cnt == 1 && scratch->walk.end == STACK_END_NO_ROW)
		scratch->walk.end = STACK_END_ROOT;
	hash = walk__finish(&scratch->walk, task, pid, task->group_leader->start_boottime);
	if (thread)
		thread->is_cut = stack_end__is_early(scratch->walk.end) || !stack__is_shipped(hash);
	scratch__put(scratch);
	return hash;
}

#endif
