/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who waits for which lock. An unlock is charged with the time that all who wait for the lock have waited since the
 * unlock before it, not only with that of the one that it wakes: so a waiter's time is shared among those that held the
 * lock while it waited, as Go's semaphores do it, and none of it is counted twice.
 */
#ifndef BPF_FUTEX_BPF_H
#define BPF_FUTEX_BPF_H

#include "offcpu_thread.bpf.h"
#include "regs.h"
#include "syscalls.h"

struct futex_key {
	u64 addr;
	u64 start_ns; /* of the process: with pid its identity */
	u32 pid;
	u32 pad;
};

struct futex_waiters {
	u32 lock;
	u32 cnt;
	u64 since_ns;   /* sum over them of since when their wait is not charged, modulo 2^64 */
	u64 charged_ns; /* the last unlock */
	u64 stack;      /* of the last waiter whose stack was taken */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct futex_key);
	__type(value, struct futex_waiters);
} futexes SEC(".maps");

#define FUTEX_SPINS 64

/* Interrupts are off wherever this is called, so who holds it gives it back in some instructions. */
static __always_inline bool futex_waiters__lock(struct futex_waiters *waiters)
{
	u32 i;

	for (i = 0; i < FUTEX_SPINS; i++)
		if (!__sync_val_compare_and_swap(&waiters->lock, 0, 1))
			return true;
	counter__inc(COUNTER_futex_records_failed);
	return false;
}

static __always_inline void futex_waiters__unlock(struct futex_waiters *waiters)
{
	__sync_lock_test_and_set(&waiters->lock, 0);
}

static __always_inline struct futex_waiters *futex__find(
	struct task_struct *task, u64 addr, bool make)
{
	struct futex_key key = {
		.addr = addr, .start_ns = task->group_leader->start_boottime, .pid = task->tgid};
	struct futex_waiters *waiters = bpf_map_lookup_elem(&futexes, &key), none = {};

	if (waiters || !make)
		return waiters;
	bpf_map_update_elem(&futexes, &key, &none, BPF_NOEXIST);
	waiters = bpf_map_lookup_elem(&futexes, &key);
	if (!waiters)
		counter__inc(COUNTER_futex_records_failed);
	return waiters;
}

/* task begins to wait. */
static __always_inline void futex__enter(
	struct offcpu_thread *thread, struct task_struct *task, u64 addr, u64 now)
{
	struct futex_waiters *waiters = futex__find(task, addr, true);

	thread->futex_ns = 0;
	if (waiters && futex_waiters__lock(waiters)) {
		if (!waiters->cnt)
			waiters->since_ns = 0;
		waiters->cnt++;
		waiters->since_ns += now;
		thread->futex_ns = now;
		if (thread->stack)
			waiters->stack = thread->stack;
		futex_waiters__unlock(waiters);
	}
	thread->futex = addr;
}

/* task ends to wait without an unlock: a timeout, a signal. Nobody is charged. */
static __always_inline void futex__leave(struct offcpu_thread *thread, struct task_struct *task)
{
	struct futex_waiters *waiters = futex__find(task, thread->futex, false);

	thread->futex = 0;
	if (!waiters || !thread->futex_ns || !futex_waiters__lock(waiters))
		return;
	if (waiters->cnt) {
		waiters->cnt--;
		waiters->since_ns -= thread->futex_ns > waiters->charged_ns ? thread->futex_ns
									    : waiters->charged_ns;
	}
	futex_waiters__unlock(waiters);
}

/* task is woken by an unlock. What to charge it with, in ns, and the stack of a waiter. */
static __always_inline u64 futex__wake(
	struct offcpu_thread *thread, struct task_struct *task, u64 now, u64 *ret_stack)
{
	struct futex_waiters *waiters = futex__find(task, thread->futex, false);
	u64 left_ns = *(volatile u64 *)&thread->left_ns, charge;

	*ret_stack = thread->stack;
	thread->futex = 0;
	charge = left_ns && now > left_ns ? now - left_ns : 0;
	if (!waiters || !thread->futex_ns || !futex_waiters__lock(waiters))
		return charge;
	if (waiters->cnt) {
		charge = waiters->cnt * now - waiters->since_ns;
		if ((s64)charge < 0) /* clocks of two CPUs differ by a little */
			charge = 0;
		waiters->cnt--;
		waiters->since_ns = waiters->cnt * now;
		waiters->charged_ns = now;
	}
	if (!*ret_stack)
		*ret_stack = waiters->stack;
	futex_waiters__unlock(waiters);
	return charge;
}

/* It is in a system call that wakes who waits for a lock. */
static __always_inline bool task__wakes_futex(struct task_struct *task)
{
	struct pt_regs *regs;
	u64 number;

	if (task->flags & PF_KTHREAD || !task->mm)
		return false;
	regs = (struct pt_regs *)bpf_task_pt_regs(task);
	number = pt_regs__syscall(regs);
	if (number == SYSCALL_FUTEX)
		return FUTEX_WAKES >> (pt_regs__arg1(regs) & FUTEX_COMMAND_MASK & 31) & 1;
	return number == SYSCALL_FUTEX_WAKE || number == SYSCALL_FUTEX_REQUEUE;
}

#endif
