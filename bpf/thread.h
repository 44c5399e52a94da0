/* SPDX-License-Identifier: GPL-2.0 */
/* What a pass over threads says of each of them, to the daemon and to the outputs. No logic but the packing of a state. */
#ifndef BPFPROF_THREAD_H
#define BPFPROF_THREAD_H

#include "bpfprof.h"

enum thread_state {
	THREAD_NOT_TOLD = 0,
	THREAD_RUNNING,  /* on a CPU, or displaced from it by the daemon itself */
	THREAD_RUNNABLE, /* waits for a CPU */
	THREAD_SLEEPING,
	THREAD_DISK, /* sleeps and cannot be interrupted */
	THREAD_STOPPED,
	THREAD_TRACED,
	THREAD_IDLE,   /* a kernel thread that has nothing to do */
	THREAD_DEAD,   /* exited: a leader before its threads, or a zombie */
	THREAD_UNSEEN, /* of threadcreate: older than the attach, so that its creation was not seen */
	THREAD_STATE_CNT,
};

/*
 * In a sample's key: the state and, of a sleeping thread, the system call that it sleeps in. One word, so that the kernel half
 * needs no table of system calls; names are the outputs'.
 */
#define THREAD_NO_SYSCALL                 (-1)
#define THREAD_STATE_WORD(state, syscall) ((__u32)(state) << 16 | (((__u32)(syscall) + 1) & 0xffff))
#define THREAD_STATE_WORD__STATE(word)    ((word) >> 16)
#define THREAD_STATE_WORD__SYSCALL(word)  ((__s32)((word)&0xffff) - 1)

#define THREAD_IN_STATE_UNKNOWN (~0ull)

/* Flags of a record. With one of the first three the stack has to be taken again. */
#define THREAD_MOVED  1 /* the thread ran while it was walked */
#define THREAD_ON_CPU 2 /* it runs: only a clock on it can tell where */
#define THREAD_LOCKED 4 /* the map of its process's memory was locked */
#define THREAD_AGAIN  (THREAD_MOVED | THREAD_ON_CPU | THREAD_LOCKED)
#define THREAD_KERNEL 8 /* a thread of the kernel */

struct thread_record {
	__u64 stack;    /* stack_record.hash; 0: none was taken */
	__u64 start_ns; /* of the process, CLOCK_BOOTTIME */
	__u64 cgroup;
	__u64 in_state_ns; /* so long; THREAD_IN_STATE_UNKNOWN */
	__u32 pid;         /* in the daemon's pid namespace */
	__u32 tid;
	__u32 state; /* THREAD_STATE_WORD() */
	__u16 flags;
	__u16 end;                    /* enum stack_end, with a stack */
	char comm[TASK_COMM_BYTES];   /* of the process (its leader) */
	char thread[TASK_COMM_BYTES]; /* of the thread */
};
_Static_assert(sizeof(struct thread_record) == 80, "no hidden padding in a record");

/* The memory of a pass's program: of the daemon alone, which runs one pass at a time. */
struct pass {
	/* The clock of run queues minus CLOCK_MONOTONIC, where it is known. */
	__s64 rq_clock_offset_ns;
	__u32 rq_clock_is_known;
	/* Another area was asked for than the one below, but the map of the process was locked. */
	__u32 area_is_locked;
	/* The anonymous memory that was read last. */
	__u64 area_start;
	__u64 area_end;
};

/* What a thread is kept with. */
struct thread_creation {
	__u64 stack; /* that called clone(2); 0: it could not be taken */
};

/* .bss of the programs of threadcreate, written by the daemon. */
struct threadcreate_control {
	__u64 attach_ns; /* CLOCK_BOOTTIME, when the program was on */
};

/* Where a running thread was met by its clock. */
struct thread_sample {
	__u64 stack;
	__u32 end;
	__u32 pad;
};

#endif
