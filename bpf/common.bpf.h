/* SPDX-License-Identifier: GPL-2.0 */
/* What every program does: bump counters, enter an epoch, take a scratch buffer, name the task. */
#ifndef BPF_COMMON_BPF_H
#define BPF_COMMON_BPF_H

#include "maps.bpf.h"

const volatile struct prog_options options;

static __always_inline void counter__add(enum counter counter, u64 cnt)
{
	u32 zero = 0;
	struct counter_values *values = bpf_map_lookup_elem(&counters, &zero);

	/* Atomic: an interrupt's program can come between another's load and store on the same CPU. */
	if (values && (u32)counter < COUNTER__CNT)
		__sync_fetch_and_add(&values->cnt[counter], cnt);
}

static __always_inline void counter__inc(enum counter counter)
{
	counter__add(counter, 1);
}

/*
 * Epochs. A program enters the current epoch, writes only the maps of its parity, and leaves. The daemon flips the
 * epoch, then waits until every CPU's exit count has reached its enter count for the old parity. The epoch is read
 * again after the entry was made known: either the daemon sees the entry, or the program sees the flip (both sides are
 * full barriers), so no program writes a map that is being drained.
 *
 * Returns the epoch's parity, or -1 when two flips raced (counted by the caller).
 */
static __always_inline int epoch__enter(struct epoch_users **ret_users)
{
	u32 zero = 0, cpu = bpf_get_smp_processor_id();
	struct control *control = bpf_map_lookup_elem(&controls, &zero);
	struct epoch_users *users = bpf_map_lookup_elem(&epoch_users, &cpu);
	int i;

	if (!control || !users)
		return -1;
	for (i = 0; i < 2; i++) {
		u32 epoch = *(volatile u32 *)&control->epoch;
		u32 parity = epoch & 1;

		if (parity)
			__sync_fetch_and_add(&users->enter[1], 1);
		else
			__sync_fetch_and_add(&users->enter[0], 1);
		if (*(volatile u32 *)&control->epoch == epoch) {
			*ret_users = users;
			return parity;
		}
		if (parity)
			__sync_fetch_and_add(&users->exit[1], 1);
		else
			__sync_fetch_and_add(&users->exit[0], 1);
	}
	return -1;
}

static __always_inline void epoch__exit(struct epoch_users *users, int parity)
{
	if (parity)
		__sync_fetch_and_add(&users->exit[1], 1);
	else
		__sync_fetch_and_add(&users->exit[0], 1);
}

#define PIDNS_LEVELS_MAX 33 /* MAX_PID_NS_LEVEL + 1 */

/* The number of a process in the daemon's pid namespace; 0: it is outside of it. */
static __always_inline u32 pid__in_ns(struct pid *pid)
{
	u32 level = BPF_CORE_READ(pid, level), i;
	struct upid upid;

	for (i = 0; i < PIDNS_LEVELS_MAX && i <= level; i++) {
		if (bpf_core_read(&upid, sizeof(upid), &pid->numbers[i]))
			return 0;
		if (BPF_CORE_READ(upid.ns, ns.inum) == options.pidns_inum)
			return upid.nr;
	}
	return 0;
}

/* The process's pid as the daemon's user sees it; 0 when the process is outside of the daemon's pid namespace. */
static __always_inline u32 task__pid(struct task_struct *task)
{
	struct pid *pid;

	if (!options.pidns_inum)
		return task->tgid;
	pid = BPF_CORE_READ(task, signal, pids[PIDTYPE_TGID]);
	return pid ? pid__in_ns(pid) : 0;
}

/* The thread's name, as two words: bpf_core_read() takes ten times as long. to: on a multiple of 8. */
static __always_inline void task__copy_comm(char to[TASK_COMM_BYTES], struct task_struct *task)
{
	const u64 *from = (const u64 *)&task->comm;

	((u64 *)to)[0] = from[0];
	((u64 *)to)[1] = from[1];
}

static __always_inline bool task__is_target(struct task_struct *task, u32 pid)
{
	if (options.all_processes)
		return true;
	return pid && bpf_map_lookup_elem(&targets, &pid);
}

#endif
