// SPDX-License-Identifier: GPL-2.0
/* Time off CPU (block), time on a run queue (sched) and locks that made others wait (mutex), by stack. */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "offcpu_wait.bpf.h"

SAMPLE_MAPS(mutex)

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
	if (counts && offcpu_thread__wants_late_stack(to, off_ns) &&
		offcpu_control.has_switch_end &&
		offcpu_control.enabled & (OFFCPU_BLOCK | OFFCPU_SCHED)) {
		cpu->late_off_ns = off_ns;
		cpu->late_queue_ns = queue_ns;
		counts = false;
	}
	/* One that is held begins anew when it goes on. */
	if (from && (prev_state & TASK_DEAD || task__is_held(prev, prev_state))) {
		offcpu_thread__flush(from, prev, now);
		from->life_from_ns = 0;
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
					off_ns, queue_ns, to->begun, parity);
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
			from->queued_ns = now & ~TIME_IS_BEGUN;
	}
	if (futex)
		futex__enter(from, prev, futex, now);
	offcpu_thread__set_left(from, now);
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
		cpu->late_queue_ns, thread->begun, parity);
	epoch__exit(users, parity);
	return 0;
}

static __always_inline int offcpu_thread__queue(struct task_struct *task)
{
	struct offcpu_thread *thread = offcpu_thread__find(task);

	if (thread && !thread->queued_ns)
		thread->queued_ns = bpf_ktime_get_ns() & ~TIME_IS_BEGUN;
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
	offcpu_thread__set_left(thread, now);
	return 0;
}

/* ---- unlocks ---- */

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

/* A command's end is told before the last switch of its last threads: what they waited is in the totals by then. */
SEC("?tp_btf/sched_process_exit")
int BPF_PROG(offcpu_exit, struct task_struct *task)
{
	struct offcpu_thread *thread = offcpu_thread__find(task);

	if (thread && thread->life_from_ns)
		offcpu_thread__flush(thread, task, bpf_ktime_get_ns());
	return 0;
}

/* Counts what a thread has waited so far. Who runs again in this moment counts it himself. */
static __always_inline void offcpu_thread__settle(
	struct offcpu_thread *thread, struct task_struct *task, u64 now)
{
	bool off_begun, queue_begun;
	struct epoch_users *users;
	struct sample_key key;
	u64 off_ns, queue_ns;
	int parity;

	now &= ~TIME_IS_BEGUN;
	off_ns = time__move(&thread->left_ns, now, &off_begun);
	if (!off_ns)
		return;
	queue_ns = time__move(&thread->queued_ns, now, &queue_begun);
	__sync_fetch_and_add(&thread->off_ns, off_ns);
	__sync_fetch_and_add(&thread->queue_ns, queue_ns);
	parity = epoch__enter(&users);
	if (parity < 0) {
		counter__inc(COUNTER_samples_epoch_race);
		return;
	}
	offcpu_thread__count(thread, task, NULL, &key, now, off_ns, queue_ns,
		(off_begun ? BEGUN_OFF : 0) | (queue_begun ? BEGUN_QUEUE : 0), parity);
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
	if (!task__is_target(task, task__pid(task)) || task__is_held(task, task->__state))
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
			offcpu_thread__set_left(thread, now);
		}
		return 0;
	}
	offcpu_thread__settle(thread, task, now);
	offcpu_thread__flush(thread, task, now);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
