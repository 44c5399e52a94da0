/* SPDX-License-Identifier: GPL-2.0 */
/* The longest waits for a CPU of an interval, each with the thread that had the CPU meanwhile. */
#ifndef BPF_SCHED_DELAY_BPF_H
#define BPF_SCHED_DELAY_BPF_H

#include "holders.bpf.h"
#include "sched_queue.bpf.h"
#include "task.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct holders);
} sched_holders SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2); /* 2 * CPUs */
	__type(key, u32);
	__type(value, struct sched_delays);
} sched_cpu_delays SEC(".maps");

static __always_inline struct holders *sched_holders__this(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&sched_holders, &zero);
}

/* task leaves this CPU. */
static __always_inline void sched_holders__note(
	struct holders *holders, struct task_struct *task, u64 now)
{
	struct turn *turn = holders__note(holders, task, now);

	if (!turn)
		return;
	turn->pid = task->pid ? task__pid(task) : 0;
	turn->tid = task->pid ? task__tid(task) : 0;
}

/* The slot for delay: that of the same pair, or the shortest; SCHED_DELAYS: there is none, since all are longer. */
__noinline u32 sched_delays__slot(struct sched_delays *delays, struct sched_delay *delay)
{
	u32 i, least = 0;
	u64 least_ns = ~0ull;

	if (!delays || !delay)
		return SCHED_DELAYS;
	for (i = 0; i < SCHED_DELAYS; i++) {
		struct sched_delay *slot = &delays->delays[i];

		if (slot->wait_ns && slot->tid == delay->tid && slot->by_tid == delay->by_tid) {
			least = i;
			least_ns = slot->wait_ns;
			break;
		}
		if (slot->wait_ns < least_ns) {
			least = i;
			least_ns = slot->wait_ns;
		}
	}
	return least_ns < delay->wait_ns ? least : SCHED_DELAYS;
}

/* Of this CPU alone, where nothing comes in between: interrupts are off. */
static __always_inline void sched_delays__put(
	struct sched_delays *delays, struct sched_delay *delay, u32 interval)
{
	u32 slot, i;

	__sync_fetch_and_add(&delays->seq, 1);
	if (delays->interval != interval) {
		for (i = 0; i < SCHED_DELAYS; i++)
			delays->delays[i].wait_ns = 0;
		delays->interval = interval;
	}
	slot = sched_delays__slot(delays, delay);
	if (slot < SCHED_DELAYS)
		delays->delays[slot] = *delay;
	__sync_fetch_and_add(&delays->seq, 1);
}

/* task runs on this CPU after it has waited for it since now - wait_ns, which was long. */
static __always_inline void sched_delays__note(
	struct task_struct *task, struct holders *holders, u64 now, u64 wait_ns)
{
	u32 interval = sched_control.interval, cpu = bpf_get_smp_processor_id(),
	    key = 2 * cpu + (interval & 1), longest;
	struct sched_delays *delays = bpf_map_lookup_elem(&sched_cpu_delays, &key);
	struct sched_delay delay = {.wait_ns = wait_ns,
		.at_ns = now,
		.tid = task__tid(task),
		.pid = task__pid(task),
		.cpu = cpu};

	if (!delays)
		return;
	task__copy_comm(delay.thread, task);
	longest = holders__longest(holders, now - wait_ns);
	if (longest < TURNS) {
		struct turn *turn = &holders->turns[longest];

		delay.held_ns = turn->ns < turn->end_ns - (now - wait_ns)
					? turn->ns
					: turn->end_ns - (now - wait_ns);
		delay.by_pid = turn->pid;
		delay.by_tid = turn->tid;
		__builtin_memcpy(delay.by_thread, turn->comm, sizeof(delay.by_thread));
	}
	sched_delays__put(delays, &delay, interval);
}

#endif
