/* SPDX-License-Identifier: GPL-2.0 */
/* What the scheduler programs and the daemon say to each other: figures a CPU, figures a thread. No
 * logic. Not called sched.h, which with -Ibpf would be found in place of the C library's. */
#ifndef BPFPROF_SCHED_STATS_H
#define BPFPROF_SCHED_STATS_H

#include "bpfprof.h"

/*
 * Waits are counted in 8 buckets for each power of two of nanoseconds (sched_wait.bpf.h), so a
 * percentile is at most one eighth off, and none of 2^41 ns (36 minutes) or more is told from
 * another.
 */
#define SCHED_WAIT_SUB_BITS 3
#define SCHED_WAIT_LOG2_MAX 40
#define SCHED_WAIT_BUCKETS  ((SCHED_WAIT_LOG2_MAX - SCHED_WAIT_SUB_BITS + 2) << SCHED_WAIT_SUB_BITS)

/*
 * One a CPU, mapped into the daemon. The first part is written by sched_switch on its CPU alone,
 * which does not nest, so plain adds do. It only ever grows: the daemon takes differences (also of
 * u32, modulo 2^32) and nothing has to be reset under a running program. wait_max_ns is the one
 * word that both sides write: the daemon takes it by an atomic exchange with 0, and a program that
 * raises it at that moment raises the next interval's.
 */
struct sched_cpu {
	__u64 switches;
	__u64 yielded; /* threads whose first sched_yield of an interval was seen on this CPU */
	__u64 wait_max_ns;
	__u64 run_queue;        /* its kernel address; 0: not known */
	__u32 displaced_target; /* 1: the daemon, when it last came here, displaced a target */
	__u32 waits[SCHED_WAIT_BUCKETS];
	__u32 pad[15];

	/* Of the moment: cleared by the daemon, filled by sched_queues and sched_threads when it
	 * asks. */
	__u32 queued;  /* on the run queue, the running one included, the daemon not */
	__u32 running; /* 1: some thread other than the daemon runs */
	__u32 running_tid;
	__u32 waiting;        /* threads of the targets that wait */
	__u32 waiting_others; /* other threads that wait */
	__u32 running_target; /* 1: a thread of the targets runs */
	__u32 pad_moment[10];
};
_Static_assert(sizeof(struct sched_cpu) % 64 == 0, "CPUs share no cache line");

/* .bss of the programs, mapped into the daemon. */
struct sched_control {
	__u32 interval;    /* number of the current one, from 1; written by the daemon */
	__u32 want_detail; /* sched_threads writes a sched_thread_record for each thread */
	__u32 want_reset;  /* sched_threads forgets since when threads wait: wakeups went unseen */
	/* Written by sched_queues and sched_threads, which only the daemon runs. */
	__u32 own_pid;      /* the daemon's, in the initial pid namespace */
	__u32 queues_known; /* sched_cpu.queued is right where sched_cpu.run_queue is known */
	__u32 reader_cpu;
	__u32 threads;
	__u32 idle_threads;
	__u32 yielding; /* running now, seen in sched_yield, not counted in sched_cpu.yielded */
};

/*
 * The longest waits for a CPU and who had it meanwhile: of each pair of threads its longest wait in an interval, of each CPU
 * those that are the longest. A power of two.
 */
#define SCHED_DELAYS 8

struct sched_delay {
	__u64 wait_ns; /* 0: an empty one */
	__u64 held_ns; /* how long the other thread had the CPU of it, at a stretch: the longest that anybody had it */
	__u64 at_ns;          /* the wait's end, CLOCK_MONOTONIC */
	__u32 tid, pid;       /* in the daemon's pid namespace, as all ids here */
	__u32 by_tid, by_pid; /* 0 and no name: nobody had it for long */
	__u32 cpu;
	__u32 pad;
	char thread[TASK_COMM_BYTES];
	char by_thread[TASK_COMM_BYTES];
};
_Static_assert(sizeof(struct sched_delay) == 80, "no hidden padding in a delay");

/* Two for each CPU, by the parity of the interval: the programs write one while the daemon reads the other. */
struct sched_delays {
	__u32 seq;      /* odd: being written */
	__u32 interval; /* of which they are */
	struct sched_delay delays[SCHED_DELAYS];
};

enum sched_thread_state {
	SCHED_THREAD_SLEEPING = 0,
	SCHED_THREAD_WAITING,
	SCHED_THREAD_RUNNING,
	SCHED_THREAD_DISK, /* uninterruptible */
	SCHED_THREAD_STOPPED,
	SCHED_THREAD_DEAD,
	SCHED_THREAD_STATE_CNT,
};

/* One thread, for scheddetail; the figures are since the thread's last record. */
struct sched_thread_record {
	__u64 oncpu_ns;
	__u64 wait_ns;
	__u64 switches;
	__u32 tid; /* in the daemon's pid namespace */
	__u32 pid;
	__u32 cpu;   /* where it is, or last was */
	__u32 state; /* enum sched_thread_state */
	char comm[TASK_COMM_BYTES];
};
_Static_assert(sizeof(struct sched_thread_record) == 56, "no hidden padding in a record");

#endif
