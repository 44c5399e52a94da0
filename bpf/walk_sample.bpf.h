/* SPDX-License-Identifier: GPL-2.0 */
/* The stack of the task that a perf event stopped, and counting it. */
#ifndef BPF_WALK_SAMPLE_BPF_H
#define BPF_WALK_SAMPLE_BPF_H

#include "sample.bpf.h"
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

/* Walks and counts a sample that stands for cnt events of value in all, inside one epoch. False: there was none to be in, and
 * nothing is counted. */
static __always_inline bool sample__walk_and_count(struct bpf_perf_event_data *ctx,
	struct task_struct *task, struct sample_key *key, void *samples_0, void *samples_1,
	void *lost, u64 cnt, u64 value)
{
	struct epoch_users *users;
	int parity = epoch__enter(&users);
	struct scratch *scratch;

	if (parity < 0)
		return false;
	scratch = scratch__get();
	if (scratch) {
		key->stack = walk__sample(&scratch->walk, ctx, task, key->pid, key->start_ns);
		scratch__put(scratch);
	} else {
		counter__add(COUNTER_samples_no_scratch, cnt);
	}
	sample__count(samples_0, samples_1, lost, parity, key, cnt, value);
	epoch__exit(users, parity);
	return true;
}

#endif
