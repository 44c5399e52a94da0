/* SPDX-License-Identifier: GPL-2.0 */
/* What is known of a thread that left its CPU, and which of these departures have their stack taken. */
#ifndef BPF_OFFCPU_THREAD_BPF_H
#define BPF_OFFCPU_THREAD_BPF_H

#include "common.bpf.h"
#include "offcpu_stats.h"

/*
 * Sampling. How long a wait will last is not known when its stack has to be taken, so it is guessed from the last waits
 * that the thread began at the same place (system call, stack pointer), and the stack is taken with a probability that
 * grows with the guess: 1 / 2^n, and then it stands for 2^n waits. Whatever the guess, totals are unbiased, since it
 * depends on what came before alone; a good guess makes them precise. A CPU's threshold, the guess from which on each
 * stack is taken, doubles when a CPU takes more stacks than its budget and halves when it takes fewer than half.
 */
#define BUDGET_WINDOW_SHIFT 26  /* of 67 ms */
#define BUDGET_STACKS       128 /* in a window: 1,900 a second and CPU, of 2 to 5 us each */
#define THRESHOLD_MIN_NS    512
#define WEIGHT_SHIFT_MAX    12
/* A guess for a place that was not seen before. */
#define EXPECTED_FIRST_NS (1u << 20)
/*
 * A wait that comes out more than 4 times as long as its guess is counted as the one that it is, so that no wrong guess
 * outweighs the profile; that, too, is decided by what is known whether or not the stack was taken. One that was not is
 * taken as the thread runs again, where the kernel has sched_exit_tp (6.14), or else it is counted without a stack.
 */
#define SURPRISE_FACTOR 4

struct budget {
	u64 window;
	u64 threshold_ns; /* 0: every stack is taken */
	u32 taken;
	u32 pad;
};

static __always_inline void budget__turn(struct budget *budget, u64 now)
{
	u64 window = now >> BUDGET_WINDOW_SHIFT, passed = window - budget->window;

	if (!passed)
		return;
	if (passed > 1)
		budget->threshold_ns >>= passed < 32 ? passed - 1 : 32;
	if (budget->taken < BUDGET_STACKS / 2)
		budget->threshold_ns >>= 1;
	if (budget->threshold_ns < THRESHOLD_MIN_NS)
		budget->threshold_ns = 0;
	budget->window = window;
	budget->taken = 0;
}

/* How many such waits one stands for, as a power of two. A function of its own to the verifier (as are others here that are
 * not static): it must not follow each of the results through all that comes after. */
__noinline u32 budget__weight_shift(struct budget *budget, u64 expected_ns, u64 now)
{
	u32 shift = 0, i;

	if (!budget)
		return 0;
	budget__turn(budget, now);
	for (i = 0; i < WEIGHT_SHIFT_MAX && expected_ns << shift < budget->threshold_ns; i++)
		shift++;
	return shift;
}

static __always_inline bool budget__take(struct budget *budget, u32 shift)
{
	if (shift && bpf_get_prandom_u32() & ((1u << shift) - 1))
		return false;
	if (++budget->taken >= BUDGET_STACKS) {
		budget->taken = 0;
		budget->threshold_ns = budget->threshold_ns ? budget->threshold_ns * 2
							    : THRESHOLD_MIN_NS;
	}
	return true;
}

#define PLACES 4

/* The last waits that began at one place. */
struct place {
	u32 tag;
	u32 expected; /* in units of 2^EXPECTED_SHIFT ns */
};
#define EXPECTED_SHIFT 8

/* In left_ns and queued_ns, so that the pass over threads and the thread that runs again agree on who counts the wait. */
#define TIME_IS_BEGUN 1ull

#define BEGUN_OFF   1
#define BEGUN_QUEUE 2

/* From leaving the CPU to running again. */
struct offcpu_thread {
	u64 left_ns; /* 0: it runs. Else up to when its absence is counted, and TIME_IS_BEGUN; atomic */
	u64 queued_ns;   /* the same of its wait for a CPU; 0: there is none, or it began unseen */
	u64 stack;       /* where it left; 0: not taken */
	u64 surprise_ns; /* what it may stand for at the most */
	u64 futex;       /* address of the lock that it waits for; 0: none, or it was woken */
	u64 futex_ns;    /* since when */
	u32 state;       /* as sched_switch told: 0 is runnable */
	u8 shift;        /* its stack stands for 2^shift */
	u8 is_taken;
	u8 begun; /* BEGUN_*, of the absence that ended: it was counted already, the rest only adds time */
	u8 is_unseen; /* it began before the attach */
	u8 is_new;    /* it has not run yet */
	u8 is_cut; /* its stack came before its mappings or tables were known, or did not get through: it is taken again */
	u8 pad[2];
	u32 tag;
	struct place places[PLACES];
	/* Exact: what the process's totals do not have yet. */
	u64 off_cnt, off_ns;
	u64 queue_cnt, queue_ns;
	u64 life_from_ns; /* 0: not seen by the pass over threads, nor made by a fork; or it is held */
	u64 cpu_from_ns;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct offcpu_thread);
} offcpu_threads_states SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct offcpu_process);
	__type(value, struct offcpu_totals);
} offcpu_processes SEC(".maps");

/* Never creates: see sched_thread__find(). Threads that are not profiled have none. */
static __always_inline struct offcpu_thread *offcpu_thread__find(struct task_struct *task)
{
	return bpf_task_storage_get(&offcpu_threads_states, task, 0, 0);
}

static __always_inline struct offcpu_thread *offcpu_thread__make(struct task_struct *task)
{
	struct offcpu_thread *thread = bpf_task_storage_get(
		&offcpu_threads_states, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (!thread)
		counter__inc(COUNTER_offcpu_thread_failed);
	return thread;
}

/* Its absence begins. */
static __always_inline void offcpu_thread__set_left(struct offcpu_thread *thread, u64 now)
{
	__sync_lock_test_and_set(&thread->left_ns, now & ~TIME_IS_BEGUN);
}

/* Takes what time holds, up to now: how much that is; 0 if it holds nothing. */
static __always_inline u64 time__end(u64 *time, u64 now, bool *ret_is_begun)
{
	u64 from = __sync_lock_test_and_set(time, 0), since = from & ~TIME_IS_BEGUN;

	*ret_is_begun = from & TIME_IS_BEGUN;
	/* Clocks of two CPUs may differ by a little. */
	return from && now > since ? now - since : 0;
}

/* Moves it to now and returns how much that was; 0: nothing, or somebody else took it in this moment. now is even. */
static __always_inline u64 time__move(u64 *time, u64 now, bool *ret_is_begun)
{
	u64 from = *(volatile u64 *)time, since = from & ~TIME_IS_BEGUN;

	*ret_is_begun = from & TIME_IS_BEGUN;
	if (!from || now <= since ||
		__sync_val_compare_and_swap(time, from, now | TIME_IS_BEGUN) != from)
		return 0;
	return now - since;
}

/* False: the daemon has not got it, for want of room in the ring. */
static __always_inline bool stack__is_shipped(u64 hash)
{
	return bpf_map_lookup_elem(&stacks_shipped, &hash);
}

static __always_inline bool stack_end__is_early(u32 end)
{
	return end == STACK_END_NO_TABLE || end == STACK_END_NO_MAPPING;
}

static __always_inline void offcpu_thread__begin_life(
	struct offcpu_thread *thread, struct task_struct *task, u64 now)
{
	thread->life_from_ns = now;
	thread->cpu_from_ns = task->se.sum_exec_runtime;
}

/* That CMD is stopped while the daemon looks at its files is not what it waits for. */
static __always_inline bool task__is_held(struct task_struct *task, u32 state)
{
	u32 zero = 0;
	struct control *control;

	if (!(state & TASK_STOPPED_TRACED))
		return false;
	control = bpf_map_lookup_elem(&controls, &zero);
	return control && control->held_pid && control->held_pid == task__pid(task);
}

static __always_inline u64 offcpu_thread__expected_ns(struct offcpu_thread *thread, u32 tag)
{
	struct place *place = &thread->places[tag % PLACES];

	if (place->tag != tag)
		return EXPECTED_FIRST_NS;
	return (u64)place->expected << EXPECTED_SHIFT;
}

/* Up at once, down by a quarter: a place of short waits and rare long ones counts as one of long ones for a while. */
static __always_inline void offcpu_thread__learn(struct offcpu_thread *thread, u64 off_ns)
{
	struct place *place = &thread->places[thread->tag % PLACES];
	u64 units = off_ns >> EXPECTED_SHIFT;

	if (units > ~0u)
		units = ~0u;
	if (place->tag != thread->tag || units >= place->expected)
		place->expected = units;
	else
		place->expected -= (place->expected - (u32)units + 3) / 4;
	place->tag = thread->tag;
}

static __always_inline bool offcpu_thread__is_surprised(
	const struct offcpu_thread *thread, u64 value_ns)
{
	u32 shift = thread->shift & 31;

	return shift && value_ns << shift > thread->surprise_ns;
}

/* Moves what came since the last time to the process's totals. */
static __always_inline void offcpu_thread__flush(
	struct offcpu_thread *thread, struct task_struct *task, u64 now)
{
	struct offcpu_process key = {
		.pid = task__pid(task), .start_ns = task->group_leader->start_boottime};
	struct offcpu_totals *totals = bpf_map_lookup_elem(&offcpu_processes, &key), none = {};
	u64 cpu_ns = task->se.sum_exec_runtime;

	if (!totals) {
		task__copy_comm(none.comm, task->group_leader);
		bpf_map_update_elem(&offcpu_processes, &key, &none, BPF_NOEXIST);
		totals = bpf_map_lookup_elem(&offcpu_processes, &key);
	}
	if (!totals) {
		counter__inc(COUNTER_offcpu_totals_full);
		return;
	}
	__sync_fetch_and_add(&totals->off_cnt, __sync_lock_test_and_set(&thread->off_cnt, 0));
	__sync_fetch_and_add(&totals->off_ns, __sync_lock_test_and_set(&thread->off_ns, 0));
	__sync_fetch_and_add(&totals->queue_cnt, __sync_lock_test_and_set(&thread->queue_cnt, 0));
	__sync_fetch_and_add(&totals->queue_ns, __sync_lock_test_and_set(&thread->queue_ns, 0));
	__sync_fetch_and_add(&totals->life_ns, now - thread->life_from_ns);
	__sync_fetch_and_add(&totals->cpu_ns, cpu_ns - thread->cpu_from_ns);
	thread->life_from_ns = now;
	thread->cpu_from_ns = cpu_ns;
}

#endif
