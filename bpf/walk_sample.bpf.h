/* SPDX-License-Identifier: GPL-2.0 */
/* The stack of the task that a perf event's clock stopped. */
#ifndef BPF_WALK_SAMPLE_BPF_H
#define BPF_WALK_SAMPLE_BPF_H

#include "walk.bpf.h"

/* The uapi context of a perf_event program. */
struct bpf_perf_event_data {
	struct perf_regs regs;
	u64 sample_period;
	u64 addr;
};

/* task: the current one. Returns the stack's hash. */
static __always_inline u64 walk__sample(struct walk *walk, struct bpf_perf_event_data *ctx,
	struct task_struct *task, u32 pid, u64 start_ns)
{
	walk__begin(walk);
	if (perf_regs__is_user(&ctx->regs)) {
		user_regs__copy(&walk->regs, &ctx->regs);
		walk__user(walk, task, pid, false);
	} else {
		walk__kernel(walk, ctx);
		if (!(task->flags & PF_KTHREAD) && task->mm) {
			struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
			u64 syscall = pt_regs__syscall(regs);

			walk->in_clone = syscall == SYSCALL_CLONE || syscall == SYSCALL_CLONE3;
			user_regs__copy(&walk->regs, regs);
			walk__user(walk, task, pid,
				syscall == SYSCALL_EXECVE || syscall == SYSCALL_EXECVEAT);
		}
	}
	return walk__finish(walk, task, pid, start_ns);
}

#endif
