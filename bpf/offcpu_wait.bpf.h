/* SPDX-License-Identifier: GPL-2.0 */
/* One absence of a thread: what is noted when it leaves its CPU, and what is counted when it runs again. */
#ifndef BPF_OFFCPU_WAIT_BPF_H
#define BPF_OFFCPU_WAIT_BPF_H

#include "futex.bpf.h"
#include "offcpu_key.bpf.h"
#include "offcpu_stack.bpf.h"

SAMPLE_MAPS(block)
SAMPLE_MAPS(sched)

struct offcpu_control offcpu_control;

/* ---- leaving the CPU ---- */

/* Notes that task leaves. Returns whether its stack is to be taken. *ret_futex: the lock that it waits for, 0: none. */
static __always_inline bool offcpu_thread__leave(struct offcpu_cpu *cpu,
	struct offcpu_thread *thread, struct task_struct *task, u32 state, u64 now, u64 *ret_futex)
{
	u32 enabled = offcpu_control.enabled;
	u64 place = 1;

	if (!(task->flags & PF_KTHREAD)) {
		struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
		u64 number = pt_regs__syscall(regs);

		place = (pt_regs__sp(regs) * 31 + number) * 31 + pt_regs__ip(regs);
		if (enabled & OFFCPU_MUTEX && state && syscall__waits_for(number) == OFFCPU_FUTEX)
			*ret_futex = pt_regs__arg0(regs);
	}
	thread->tag = (place * HASH_MULTIPLIER >> 32) ^ !state;
	thread->state = state;
	thread->queued_ns = state ? 0 : now & ~TIME_IS_BEGUN;
	thread->stack = 0;
	thread->begun = 0;
	thread->is_unseen = 0;
	thread->is_new = 0;
	thread->is_taken = 0;
	thread->is_cut = 0;
	thread->shift = 0;
	if (!(enabled & (OFFCPU_BLOCK | OFFCPU_SCHED)) && !*ret_futex)
		return false;
	thread->shift = budget__weight_shift(
		&cpu->stacks, offcpu_thread__expected_ns(thread, thread->tag), now);
	thread->surprise_ns = cpu->stacks.threshold_ns * SURPRISE_FACTOR;
	thread->is_taken = budget__take(&cpu->stacks, thread->shift);
	return thread->is_taken;
}

/* ---- running again ---- */

/* What of a wait is counted. */
struct charge {
	u64 cnt; /* 0: nothing */
	u64 value_ns;
	u64 stack;
};

/* A wait of value_ns, of which the thread's stack is a sample. */
static __always_inline struct charge offcpu_thread__charge(
	const struct offcpu_thread *thread, u64 value_ns)
{
	u32 shift = thread->shift & 31;
	struct charge charge = {};

	if (offcpu_thread__is_surprised(thread, value_ns))
		shift = 0;
	else if (!thread->is_taken)
		return charge;
	charge.cnt = 1ull << shift;
	charge.value_ns = value_ns << shift;
	charge.stack = thread->stack;
	return charge;
}

/* Counts that task was away for off_ns, of which it waited for the CPU for queue_ns; begun: BEGUN_*, what of it was counted
 * before. Inside an epoch. */
static __always_inline void offcpu_thread__count(struct offcpu_thread *thread,
	struct task_struct *task, struct holders *holders, struct sample_key *key, u64 now,
	u64 off_ns, u64 queue_ns, u32 begun, int parity)
{
	u32 enabled = offcpu_control.enabled;
	struct charge charge;

	__builtin_memset(key, 0, sizeof(*key));
	offcpu_key__fill(key, task);
	charge = offcpu_thread__charge(thread, off_ns);
	if (enabled & OFFCPU_BLOCK && charge.cnt) {
		key->stack = charge.stack;
		key->tag = thread->is_new ? OFFCPU_NEW : task__waits_for(task, thread->state);
		if (thread->is_unseen)
			key->tag |= OFFCPU_TAG_BEGAN_UNSEEN;
		if (!thread->is_taken && !thread->stack)
			counter__inc(COUNTER_offcpu_unsampled);
		sample__count(&block_samples_0, &block_samples_1, &block_lost, parity, key,
			begun & BEGUN_OFF ? 0 : charge.cnt, charge.value_ns);
	}
	if (!(enabled & OFFCPU_SCHED) || !queue_ns)
		return;
	charge = offcpu_thread__charge(thread, queue_ns);
	if (!charge.cnt)
		return;
	key->stack = charge.stack;
	key->tag = 0;
	if (holders && queue_ns >= DELAY_TOLD_NS)
		holders__name(holders, now - queue_ns, key->peer.comm);
	sample__count(&sched_samples_0, &sched_samples_1, &sched_lost, parity, key,
		begun & BEGUN_QUEUE ? 0 : charge.cnt, charge.value_ns);
}

/* Whether the stack is taken as the thread runs again: it was not taken and the wait came out long, or it was cut for want of
 * a table that is there by now, more likely than not. */
static __always_inline bool offcpu_thread__wants_late_stack(
	const struct offcpu_thread *thread, u64 off_ns)
{
	return !thread->is_taken ||
	       ((thread->is_cut || !thread->stack) && off_ns >= EXPECTED_FIRST_NS);
}

/* Ends task's absence. Returns whether some of it is to be counted. */
static __always_inline bool offcpu_thread__enter(struct offcpu_thread *thread,
	struct task_struct *task, u64 now, u64 *ret_off_ns, u64 *ret_queue_ns)
{
	bool is_away = *(volatile u64 *)&thread->left_ns, off_begun, queue_begun;
	u64 off_ns = time__end(&thread->left_ns, now, &off_begun),
	    queue_ns = time__end(&thread->queued_ns, now, &queue_begun);

	if (thread->futex)
		futex__leave(thread, task);
	if (!is_away) {
		if (!thread->life_from_ns)
			offcpu_thread__begin_life(thread, task, now);
		return false;
	}
	thread->begun = (off_begun ? BEGUN_OFF : 0) | (queue_begun ? BEGUN_QUEUE : 0);
	/* Atomic: the pass over threads takes them away at any moment. */
	if (queue_ns) {
		__sync_fetch_and_add(&thread->queue_cnt, 1);
		__sync_fetch_and_add(&thread->queue_ns, queue_ns);
	}
	__sync_fetch_and_add(&thread->off_cnt, 1);
	__sync_fetch_and_add(&thread->off_ns, off_ns);
	if (!off_begun)
		offcpu_thread__learn(thread, off_ns);
	*ret_off_ns = off_ns;
	*ret_queue_ns = queue_ns;
	return thread->is_taken || offcpu_thread__is_surprised(thread, off_ns);
}

#endif
