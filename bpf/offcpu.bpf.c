// SPDX-License-Identifier: GPL-2.0
/* Time off CPU (block), time on a run queue (sched) and locks that made others wait (mutex), by stack. */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "futex.bpf.h"
#include "holders.bpf.h"
#include "offcpu_key.bpf.h"
#include "walk.bpf.h"

/* Of a stack taken in a tracepoint: the program itself and bpf_trace_runN(). With several programs on the tracepoint
 * __traceiter_NAME() follows; outputs leave it out. */
#define KERNEL_FRAMES_SKIPPED 2

SAMPLE_MAPS(block)
SAMPLE_MAPS(mutex)
SAMPLE_MAPS(sched)

struct offcpu_control offcpu_control;

struct offcpu_cpu {
	struct budget stacks;
	struct budget unlocks;
	/* A surprise whose stack is taken at the end of this switch. */
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
		thread->is_cut = stack_end__is_early(scratch->walk.end);
	scratch__put(scratch);
	return hash;
}

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
	thread->queued_ns = state ? 0 : now;
	thread->stack = 0;
	thread->is_begun = 0;
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

/* Counts that task was away for off_ns, of which it waited for the CPU for queue_ns. Inside an epoch. */
static __always_inline void offcpu_thread__count(struct offcpu_thread *thread,
	struct task_struct *task, struct holders *holders, struct sample_key *key, u64 now,
	u64 off_ns, u64 queue_ns, int parity)
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
			thread->is_begun ? 0 : charge.cnt, charge.value_ns);
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
	sample__count(&sched_samples_0, &sched_samples_1, &sched_lost, parity, key, charge.cnt,
		charge.value_ns);
}

/* Ends task's absence. Returns whether some of it is to be counted. */
static __always_inline bool offcpu_thread__enter(struct offcpu_thread *thread,
	struct task_struct *task, u64 now, u64 *ret_off_ns, u64 *ret_queue_ns)
{
	u64 left_ns = __sync_lock_test_and_set(&thread->left_ns, 0);
	u64 queued_ns = thread->queued_ns, off_ns, queue_ns = 0;

	if (thread->futex)
		futex__leave(thread, task);
	thread->queued_ns = 0;
	if (!left_ns)
		return false;
	/* Clocks of two CPUs may differ by a little. */
	off_ns = now > left_ns ? now - left_ns : 0;
	if (queued_ns) {
		queue_ns = now > queued_ns ? now - queued_ns : 0;
		__sync_fetch_and_add(&thread->queue_cnt, 1);
		__sync_fetch_and_add(&thread->queue_ns, queue_ns);
	}
	/* Atomic: the pass over threads takes them away at any moment. */
	__sync_fetch_and_add(&thread->off_cnt, 1);
	__sync_fetch_and_add(&thread->off_ns, off_ns);
	if (!thread->is_begun)
		offcpu_thread__learn(thread, off_ns);
	*ret_off_ns = off_ns;
	*ret_queue_ns = queue_ns;
	return thread->is_taken || offcpu_thread__is_surprised(thread, off_ns);
}

SEC("?tp_btf/sched_switch")
int BPF_PROG(offcpu_switch, bool preempt, struct task_struct *prev, struct task_struct *next,
	unsigned int prev_state)
{
	struct offcpu_cpu *cpu = offcpu_cpu__this();
	struct offcpu_thread *from = NULL, *to = NULL;
	struct epoch_users *users;
	u64 now = bpf_ktime_get_ns(), off_ns = 0, queue_ns = 0, futex = 0;
	bool takes = false, counts = false;
	int parity;

	if (!cpu)
		return 0;
	cpu->late_off_ns = 0;
	/* Preempted threads keep the state that they were about to sleep in. */
	if (preempt || prev->__state == TASK_RUNNING)
		prev_state = 0;
	if (prev->pid)
		from = offcpu_thread__find(prev);
	if (next->pid)
		to = offcpu_thread__find(next);
	if (options.all_processes && ((prev->pid && !from) || (next->pid && !to)))
		counter__inc(COUNTER_offcpu_thread_unknown);
	if (offcpu_control.enabled & OFFCPU_SCHED)
		holders__note(&cpu->holders, prev, now);
	if (to)
		counts = offcpu_thread__enter(to, next, now, &off_ns, &queue_ns);
	if (counts && !to->is_taken && offcpu_control.has_switch_end &&
		offcpu_control.enabled & (OFFCPU_BLOCK | OFFCPU_SCHED)) {
		cpu->late_off_ns = off_ns;
		cpu->late_queue_ns = queue_ns;
		counts = false;
	}
	if (from && prev_state & TASK_DEAD) {
		offcpu_thread__flush(from, prev, now);
		from = NULL;
	}
	if (from)
		takes = offcpu_thread__leave(cpu, from, prev, prev_state, now, &futex);
	if (takes || counts) {
		parity = epoch__enter(&users);
		if (parity < 0) {
			counter__inc(COUNTER_samples_epoch_race);
		} else {
			if (counts)
				offcpu_thread__count(to, next, &cpu->holders, &cpu->switch_key, now,
					off_ns, queue_ns, parity);
			if (takes)
				from->stack = task__stack(ctx, prev, from);
			epoch__exit(users, parity);
		}
	}
	if (!from)
		return 0;
	/* A wait begins when its stack has been taken: those that are sampled must not be longer by that. */
	if (takes) {
		now = bpf_ktime_get_ns();
		if (from->queued_ns)
			from->queued_ns = now;
	}
	if (futex)
		futex__enter(from, prev, futex, now);
	__sync_lock_test_and_set(&from->left_ns, now);
	return 0;
}

/* The end of schedule(), as the thread that was switched to: its memory can be read again. */
SEC("?tp_btf/sched_exit_tp")
int BPF_PROG(offcpu_switch_end, bool is_switch)
{
	struct offcpu_cpu *cpu = offcpu_cpu__this();
	struct task_struct *task;
	struct offcpu_thread *thread;
	struct epoch_users *users;
	struct sample_key key;
	u64 off_ns;
	int parity;

	if (!cpu || !cpu->late_off_ns)
		return 0;
	off_ns = cpu->late_off_ns;
	cpu->late_off_ns = 0;
	task = bpf_get_current_task_btf();
	thread = offcpu_thread__find(task);
	if (!thread)
		return 0;
	parity = epoch__enter(&users);
	if (parity < 0) {
		counter__inc(COUNTER_samples_epoch_race);
		return 0;
	}
	budget__take(&cpu->stacks, 0);
	thread->stack = task__stack(ctx, task, thread);
	offcpu_thread__count(thread, task, &cpu->holders, &key, bpf_ktime_get_ns(), off_ns,
		cpu->late_queue_ns, parity);
	epoch__exit(users, parity);
	return 0;
}

static __always_inline int offcpu_thread__queue(struct task_struct *task)
{
	struct offcpu_thread *thread = offcpu_thread__find(task);

	if (thread && !thread->queued_ns)
		thread->queued_ns = bpf_ktime_get_ns();
	return 0;
}

SEC("?tp_btf/sched_wakeup")
int BPF_PROG(offcpu_wakeup, struct task_struct *task)
{
	return offcpu_thread__queue(task);
}

/* A new thread waits for a CPU for the first time; its stack is where it will begin. Its parent is the current task. */
SEC("?tp_btf/sched_wakeup_new")
int BPF_PROG(offcpu_wakeup_new, struct task_struct *task)
{
	struct offcpu_thread *thread = offcpu_thread__find(task);
	struct offcpu_cpu *cpu = offcpu_cpu__this();
	struct task_struct *parent = bpf_get_current_task_btf();
	u64 now = bpf_ktime_get_ns(), futex = 0;
	struct epoch_users *users;
	int parity;

	if (!thread || !cpu)
		return 0;
	if (offcpu_thread__leave(cpu, thread, task, 0, now, &futex) && parent->mm) {
		parity = epoch__enter(&users);
		if (parity < 0) {
			counter__inc(COUNTER_samples_epoch_race);
		} else {
			thread->stack = task__stack(NULL, task, thread);
			epoch__exit(users, parity);
		}
	}
	thread->is_new = 1;
	__sync_lock_test_and_set(&thread->left_ns, now);
	return 0;
}

/* ---- unlocks ---- */

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

/* The current task wakes another. A timeout wakes from an interrupt, a signal from another system call: neither is an
 * unlock. */
SEC("?tp_btf/sched_waking")
int BPF_PROG(offcpu_waking, struct task_struct *task)
{
	struct task_struct *current = bpf_get_current_task_btf();
	struct offcpu_cpu *cpu = offcpu_cpu__this();
	struct offcpu_thread *thread;
	struct sample_key key = {};
	struct epoch_users *users;
	u64 now, charge;
	u32 shift;
	int parity;

	if (!cpu || !task__wakes_futex(current))
		return 0;
	thread = offcpu_thread__find(task);
	if (!thread || !thread->futex)
		return 0;
	now = bpf_ktime_get_ns();
	charge = futex__wake(thread, task, now, &key.peer.stack);
	if (!options.all_processes && !offcpu_thread__find(current))
		return 0;
	/* Here the delay is known, so what it stands for needs no guess. */
	shift = budget__weight_shift(&cpu->unlocks, charge, now);
	if (!budget__take(&cpu->unlocks, shift))
		return 0;
	parity = epoch__enter(&users);
	if (parity < 0) {
		counter__inc(COUNTER_samples_epoch_race);
		return 0;
	}
	offcpu_key__fill(&key, current);
	key.stack = task__stack(ctx, current, NULL);
	sample__count(&mutex_samples_0, &mutex_samples_1, &mutex_lost, parity, &key, 1ull << shift,
		charge << shift);
	epoch__exit(users, parity);
	return 0;
}

/* ---- threads come, and are looked at ---- */

/* The child has not run yet, and no lock is held. Unlike sched_process_fork this also sees the workers of io_uring. */
SEC("?tp_btf/task_newtask")
int BPF_PROG(offcpu_newtask, struct task_struct *child)
{
	struct task_struct *parent = bpf_get_current_task_btf();
	bool is_target = options.all_processes;
	struct offcpu_thread *thread;

	if (!is_target && (options.follow_children || parent->tgid == child->tgid))
		is_target = offcpu_thread__find(parent) != NULL;
	if (!is_target && !task__is_target(child, task__pid(child)))
		return 0;
	thread = offcpu_thread__make(child);
	if (thread)
		offcpu_thread__begin_life(thread, child, bpf_ktime_get_ns());
	return 0;
}

/* Counts what a thread has waited so far. */
static __always_inline void offcpu_thread__settle(
	struct offcpu_thread *thread, struct task_struct *task, u64 now)
{
	u64 left_ns = *(volatile u64 *)&thread->left_ns, off_ns;
	struct epoch_users *users;
	struct sample_key key;
	int parity;

	if (!left_ns || now <= left_ns)
		return;
	off_ns = now - left_ns;
	/* Who runs again in this moment counts it himself. */
	if (__sync_val_compare_and_swap(&thread->left_ns, left_ns, now) != left_ns)
		return;
	__sync_fetch_and_add(&thread->off_ns, off_ns);
	parity = epoch__enter(&users);
	if (parity < 0) {
		counter__inc(COUNTER_samples_epoch_race);
		return;
	}
	offcpu_thread__count(thread, task, NULL, &key, now, off_ns, 0, parity);
	thread->is_begun = 1;
	epoch__exit(users, parity);
}

/* Run by the daemon over all threads: at the start, and whenever somebody reads the profiles. */
SEC("?iter/task")
int offcpu_threads(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct offcpu_thread *thread;
	u64 now;

	if (!task || !task->pid || task->flags & PF_EXITING)
		return 0;
	if (!task__is_target(task, task__pid(task)))
		return 0;
	thread = offcpu_thread__make(task);
	if (!thread)
		return 0;
	now = bpf_ktime_get_ns();
	if (!thread->life_from_ns || offcpu_control.want_reset) {
		offcpu_thread__begin_life(thread, task, now);
		if (!task->on_cpu) {
			thread->is_unseen = 1;
			thread->is_taken = 1;
			thread->state = task->__state;
			thread->left_ns = now;
		}
		return 0;
	}
	offcpu_thread__settle(thread, task, now);
	offcpu_thread__flush(thread, task, now);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
