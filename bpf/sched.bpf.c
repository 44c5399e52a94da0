// SPDX-License-Identifier: GPL-2.0
/* The scheduler as it happens (switches, waits, yields) and at a moment (queues, threads). */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "common.bpf.h"
#include "regs.h"
#include "sched_delay.bpf.h"
#include "sched_queue.bpf.h"
#include "sched_wait.bpf.h"
#include "task.bpf.h"

struct sched_thread {
	u64 queued_ns; /* when it began to wait for a CPU; 0: it does not, or it began unseen */
	u64 wait_ns;   /* total */
	u32 ran;       /* interval in which it last ran */
	u32 yielded;   /* interval in which it was last seen in sched_yield */
	u32 is_target;
	u32 pad;
	/* At the thread's last record. */
	u64 listed_oncpu_ns;
	u64 listed_wait_ns;
	u64 listed_switches;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct sched_thread);
} sched_thread_states SEC(".maps");

/*
 * Looks up and never creates: on 6.1 the allocation, under the run queue's lock, can wake kswapd,
 * which takes that lock. States are made at fork and by the pass over all threads.
 */
static __always_inline struct sched_thread *sched_thread__find(struct task_struct *task)
{
	struct sched_thread *thread = bpf_task_storage_get(&sched_thread_states, task, 0, 0);

	if (!thread && task__is_target(task, task__pid(task)))
		counter__inc(COUNTER_sched_thread_unknown);
	return thread;
}

static __always_inline struct sched_thread *sched_thread__make(struct task_struct *task)
{
	struct sched_thread *thread = bpf_task_storage_get(
		&sched_thread_states, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (!thread)
		counter__inc(COUNTER_sched_thread_failed);
	return thread;
}

static __always_inline bool sched_thread__counts(const struct sched_thread *thread)
{
	return options.all_processes || thread->is_target;
}

/*
 * Whether the task is inside sched_yield(2). The tracepoint's preempt flag cannot tell: a thread
 * whose time is up leaves through schedule() on its way to user mode, not preempted as the flag has
 * it. An interrupt of user mode overwrites these registers, one of the kernel does not, so they are
 * those of the system call until the next entry.
 */
static __always_inline bool task__in_yield(struct task_struct *task)
{
	struct pt_regs *regs;

	if (task->flags & PF_KTHREAD)
		return false;
	regs = (struct pt_regs *)bpf_task_pt_regs(task);
	return pt_regs__syscall(regs) == SYSCALL_SCHED_YIELD;
}

/* Returns whether the task is one of the targets and stays runnable. */
static __always_inline bool sched_cpu__leave(
	struct sched_cpu *cpu, struct task_struct *task, bool is_runnable, u64 now)
{
	struct sched_thread *thread = sched_thread__find(task);

	if (!thread || !sched_thread__counts(thread))
		return false;
	thread->ran = sched_control.interval;
	if (!options.all_processes)
		cpu->switches++;
	if (!is_runnable) {
		thread->queued_ns = 0;
		return false;
	}
	thread->queued_ns = now;
	if (thread->yielded != thread->ran && task__in_yield(task)) {
		thread->yielded = thread->ran;
		cpu->yielded++;
	}
	return true;
}

static __always_inline void sched_cpu__enter(
	struct sched_cpu *cpu, struct task_struct *task, struct holders *holders, u64 now)
{
	struct sched_thread *thread = sched_thread__find(task);
	u64 wait_ns;
	u32 bucket;

	if (!thread || !sched_thread__counts(thread))
		return;
	thread->ran = sched_control.interval;
	if (!thread->queued_ns)
		return;
	/* Clocks of two CPUs may differ by a little. */
	wait_ns = now > thread->queued_ns ? now - thread->queued_ns : 0;
	thread->queued_ns = 0;
	thread->wait_ns += wait_ns;
	bucket = sched_wait__bucket(wait_ns);
	if (bucket < SCHED_WAIT_BUCKETS)
		cpu->waits[bucket]++;
	if (wait_ns > cpu->wait_max_ns)
		cpu->wait_max_ns = wait_ns;
	if (holders && wait_ns >= DELAY_TOLD_NS)
		sched_delays__note(task, holders, now, wait_ns);
}

/* The idle threads have pid 0 and are nobody's; a switch to or from one is a switch of the host
 * all the same. */
SEC("?tp_btf/sched_switch")
int BPF_PROG(sched_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	struct sched_cpu *cpu = sched_cpu__this();
	struct holders *holders = sched_holders__this();
	/* Preempted threads keep the state that they were about to sleep in. */
	bool is_runnable = preempt || prev->__state == TASK_RUNNING;
	u64 now = bpf_ktime_get_ns();

	if (!cpu)
		return 0;
	if (options.all_processes)
		cpu->switches++;
	if (prev->pid)
		is_runnable = sched_cpu__leave(cpu, prev, is_runnable, now);
	else
		is_runnable = false;
	if (!options.all_processes && (u32)next->tgid == sched_control.own_pid)
		cpu->displaced_target = is_runnable;
	if (holders)
		sched_holders__note(holders, prev, now);
	if (next->pid)
		sched_cpu__enter(cpu, next, holders, now);
	return 0;
}

static __always_inline int sched_thread__queue(struct task_struct *task)
{
	struct sched_thread *thread = sched_thread__find(task);

	/* One that is woken while it waits, having been preempted on its way to sleep, has
	 * waited since then. */
	if (thread && sched_thread__counts(thread) && !thread->queued_ns)
		thread->queued_ns = bpf_ktime_get_ns();
	return 0;
}

SEC("?tp_btf/sched_wakeup")
int BPF_PROG(sched_wakeup, struct task_struct *task)
{
	return sched_thread__queue(task);
}

SEC("?tp_btf/sched_wakeup_new")
int BPF_PROG(sched_wakeup_new, struct task_struct *task)
{
	return sched_thread__queue(task);
}

/* The child has not run yet, and no lock is held. Unlike sched_process_fork this also sees the threads that the kernel makes
 * for a process: those of io_uring and vhost. */
SEC("?tp_btf/task_newtask")
int BPF_PROG(sched_newtask, struct task_struct *child)
{
	struct task_struct *parent = bpf_get_current_task_btf();
	struct sched_thread *from, *thread = sched_thread__make(child);

	if (!thread)
		return 0;
	if (options.all_processes)
		return 0;
	if (options.follow_children || parent->tgid == child->tgid) {
		from = bpf_task_storage_get(&sched_thread_states, parent, 0, 0);
		thread->is_target = from && from->is_target;
	}
	if (!thread->is_target)
		thread->is_target = task__is_target(child, task__pid(child));
	return 0;
}

static long sched_queues__read(u32 index, void *ctx)
{
	struct sched_cpu *cpu = bpf_map_lookup_elem(&sched_cpus, &index);
	u32 runnable;

	if (!cpu)
		return 1;
	if (!cpu->run_queue)
		return 0;
	runnable = rq__runnable((struct rq *)cpu->run_queue);
	if (index == sched_control.reader_cpu && runnable)
		runnable--;
	cpu->queued = runnable;
	return 0;
}

/* Run by the daemon on its own CPU: how many threads are on each run queue, itself not counted. */
SEC("?syscall")
int sched_queues(void *ctx)
{
	sched_control.own_pid = bpf_get_current_pid_tgid() >> 32;
	sched_control.reader_cpu = bpf_get_smp_processor_id();
	if (!queues__are_exact())
		return 0;
	/* A loop that the verifier walks through ends at some 2,700 CPUs. */
	bpf_loop(options.cpu_cnt, sched_queues__read, NULL, 0);
	sched_control.queues_known = 1;
	return 0;
}

static __always_inline u32 task__thread_state(struct task_struct *task)
{
	u32 state = task->__state;

	if (task->on_cpu)
		return SCHED_THREAD_RUNNING;
	if (task__is_queued(task))
		return SCHED_THREAD_WAITING;
	if (task->exit_state || state & TASK_DEAD)
		return SCHED_THREAD_DEAD;
	if (state & TASK_STOPPED_TRACED)
		return SCHED_THREAD_STOPPED;
	if (state & TASK_UNINTERRUPTIBLE && !(state & TASK_NOLOAD))
		return SCHED_THREAD_DISK;
	return SCHED_THREAD_SLEEPING;
}

static __always_inline void sched_thread__list(
	struct sched_thread *thread, struct task_struct *task)
{
	thread->listed_oncpu_ns = task->se.sum_exec_runtime;
	thread->listed_wait_ns = thread->wait_ns;
	thread->listed_switches = task->nvcsw + task->nivcsw;
}

static __always_inline long sched_thread__write(
	struct sched_thread *thread, struct task_struct *task, u32 state, struct seq_file *seq)
{
	struct sched_thread_record record = {
		.oncpu_ns = task->se.sum_exec_runtime - thread->listed_oncpu_ns,
		.wait_ns = thread->wait_ns - thread->listed_wait_ns,
		.switches = task->nvcsw + task->nivcsw - thread->listed_switches,
		.tid = task__tid(task),
		.pid = task__pid(task),
		.cpu = task->thread_info.cpu,
		.state = state,
	};

	task__copy_comm(record.comm, task);
	return bpf_seq_write(seq, &record, sizeof(record));
}

static __always_inline void sched_cpu__place(struct task_struct *task, u32 state, bool counts)
{
	u32 key = task->thread_info.cpu;
	struct sched_cpu *cpu = bpf_map_lookup_elem(&sched_cpus, &key);

	if (!cpu)
		return;
	if (state == SCHED_THREAD_RUNNING) {
		cpu->running = 1;
		cpu->running_tid = task__tid(task);
		if (counts)
			cpu->running_target = 1;
	} else if (counts) {
		cpu->waiting++;
	} else {
		cpu->waiting_others++;
	}
}

/*
 * Run by the daemon over all threads: makes states that are missing, and counts what is so at this
 * moment.
 */
SEC("?iter/task")
int sched_threads(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct sched_thread *thread;
	u32 state;

	if (!task || !task->pid)
		return 0;
	thread = sched_thread__make(task);
	if (!thread)
		return 0;
	state = task__thread_state(task);
	if (!options.all_processes && !thread->is_target)
		thread->is_target = task__is_target(task, task__pid(task));
	run_queue__learn(task);
	if (sched_control.want_reset) {
		thread->queued_ns = 0;
		sched_thread__list(thread, task);
	}
	if (!sched_thread__counts(thread))
		goto place;
	/* A record that finds the buffer full makes the iterator call again for this thread:
	 * count after it. */
	if (sched_control.want_detail) {
		if (sched_thread__write(thread, task, state, ctx->meta->seq))
			return 0;
		sched_thread__list(thread, task);
	}
	sched_control.threads++;
	if (state != SCHED_THREAD_RUNNING && thread->ran != sched_control.interval)
		sched_control.idle_threads++;
	/* One that yields with nobody to yield to is never switched away from. */
	if (state == SCHED_THREAD_RUNNING && thread->yielded != sched_control.interval &&
		task__in_yield(task)) {
		thread->yielded = sched_control.interval;
		sched_control.yielding++;
	}
place:
	if ((u32)task->tgid != sched_control.own_pid &&
		(state == SCHED_THREAD_RUNNING || state == SCHED_THREAD_WAITING))
		sched_cpu__place(task, state, sched_thread__counts(thread));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
