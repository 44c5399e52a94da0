/* SPDX-License-Identifier: GPL-2.0 */
/* What the off-CPU programs and the daemon say to each other: states, exact totals, control. No logic. Not called offcpu.h,
 * which user/collect has. */
#ifndef BPFPROF_OFFCPU_STATS_H
#define BPFPROF_OFFCPU_STATS_H

#include "bpfprof.h"

/* STATE(name, the word of its label). What a thread waits in; in sample_key.tag. */
#define OFFCPU_STATES(STATE)                                                                       \
	STATE(NONE, "")                                                                            \
	STATE(OTHER, "other") /* a system call that has no word here, or an interrupt's wait */    \
	STATE(PREEMPTED, "preempted") /* it could have gone on */                                  \
	STATE(YIELD, "yield")                                                                      \
	STATE(NEW, "new") /* it has not run yet */                                                 \
	STATE(SLEEP, "sleep")                                                                      \
	STATE(DISK, "disk") /* uninterruptible */                                                  \
	STATE(FUTEX, "futex")                                                                      \
	STATE(PIPE, "pipe")                                                                        \
	STATE(SOCKET, "socket")                                                                    \
	STATE(TTY, "tty")                                                                          \
	STATE(FILE, "file") /* reads and writes of anything else */                                \
	STATE(POLL, "poll")                                                                        \
	STATE(EPOLL, "epoll")                                                                      \
	STATE(CHILD, "child")                                                                      \
	STATE(SIGNAL, "signal")                                                                    \
	STATE(IO_URING, "io_uring")                                                                \
	STATE(IPC, "ipc") /* System V and POSIX queues and semaphores */                           \
	STATE(STOPPED, "stopped")                                                                  \
	STATE(KERNEL, "kernel") /* a kernel thread without work */

enum offcpu_state {
#define OFFCPU_STATE_ENUM(name, word) OFFCPU_##name,
	OFFCPU_STATES(OFFCPU_STATE_ENUM)
#undef OFFCPU_STATE_ENUM
		OFFCPU_STATE_CNT,
};

/* In sample_key.tag beside the state: the wait began before the attach, and only what came after it is counted. */
#define OFFCPU_TAG_BEGAN_UNSEEN 0x100

/* Which profiles are taken. */
#define OFFCPU_BLOCK 1
#define OFFCPU_MUTEX 2
#define OFFCPU_SCHED 4

/* .bss of the programs, mapped into the daemon. */
struct offcpu_control {
	__u32 enabled;        /* OFFCPU_BLOCK | ... */
	__u32 has_switch_end; /* offcpu_switch_end runs */
	__u32 pad;
	__u32 want_reset; /* offcpu_threads takes threads as it finds them: what went on before was not seen */
};

/* .bss of the pass that takes stacks. */
struct offcpu_pass_control {
	__u32 cut_cnt; /* stacks that it found cut for want of a table or of mappings */
};

struct offcpu_process {
	__u64 start_ns; /* CLOCK_BOOTTIME */
	__u32 pid;
	__u32 pad;
};

/* Of all threads of a process, exact: no sampling. Since the attach or the thread's start. */
struct offcpu_totals {
	__u64 off_cnt; /* times that a thread left the CPU and ran again */
	__u64 off_ns;
	__u64 queue_cnt; /* of these, those that were seen to become runnable */
	__u64 queue_ns;
	__u64 life_ns;
	__u64 cpu_ns; /* by the scheduler's clock, which does not count interrupts and stolen time */
	char comm[TASK_COMM_BYTES];
};
_Static_assert(sizeof(struct offcpu_totals) == 64, "no hidden padding in totals");

#endif
