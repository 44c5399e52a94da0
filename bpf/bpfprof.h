/* SPDX-License-Identifier: GPL-2.0 */
/* What the kernel half and the daemon say to each other: frames, stacks, samples, mappings. No logic. */
#ifndef BPFPROF_H
#define BPFPROF_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#define TASK_COMM_BYTES   16 /* TASK_COMM_LEN */
#define STACK_FRAMES_MAX  512
#define KERNEL_FRAMES_MAX 128 /* kernel.perf_event_max_stack is 127 */

/*
 * A frame is one u64.
 *
 *   bit 63 set    23 bits file id, 40 bits address as the ELF file states it
 *   bit 62 set    a kernel address with its bit 63 cleared (kernel addresses are all ones at the top)
 *   neither       a raw user address: JIT or anonymous code, or a mapping not known in time
 *
 * A caller's frame is its return address minus one, so that it lies inside the call instruction; a leaf's, and one
 * that a signal or an interrupt stopped, is the pc itself. Normalised while walking, so ASLR, exec and exit change nothing afterwards.
 */
#define FRAME_FILE        (1ull << 63)
#define FRAME_KERNEL      (1ull << 62)
#define FRAME_ADDR_BITS   40
#define FRAME_ADDR_MASK   ((1ull << FRAME_ADDR_BITS) - 1)
#define FRAME_FILE_ID_MAX ((1u << 23) - 1)

/* How the walk of a stack's user part ended. */
enum stack_end {
	STACK_END_ROOT = 0,   /* walked to the first frame of the thread */
	STACK_END_KERNEL,     /* a kernel thread: there is no user part */
	STACK_END_DEPTH,      /* STACK_FRAMES_MAX reached */
	STACK_END_NO_MAPPING, /* the pc is in no known executable mapping */
	STACK_END_NO_ROW,     /* the pc's file has a table, but no row covers it */
	STACK_END_NO_TABLE, /* the pc's file has no table (yet), and its frame pointer led nowhere */
	STACK_END_UNREADABLE, /* the stack page was not resident */
	STACK_END_BAD_CFA,    /* the computed frame does not lie above the one before it */
	STACK_END_BAD_RULE,   /* an expression or register that the step cannot follow */
	STACK_END_COMPAT,     /* 32-bit task: only the leaf is known */
	STACK_END_BAD_FP,     /* a frame pointer that leads out of the stack */
	STACK_END_EXEC,       /* in execve(2), between two images: there is no user part */
	STACK_END_CNT,
};

/* One record of the stack ring: a stack that the daemon has not seen, at its real length. */
struct stack_record {
	__u64 hash; /* over frames, seeded at random per run; for raw user frames over the process too */
	__u64 time_ns;  /* CLOCK_BOOTTIME */
	__u64 start_ns; /* of the process, CLOCK_BOOTTIME: with pid its identity across pid reuse */
	__u32 pid;
	__u16 kernel_cnt; /* the first frames are the kernel's, leaf first */
	__u16 user_cnt;   /* then the user frames, leaf first */
	__u16 raw_cnt;    /* of the user frames, how many are raw */
	__u16 end;        /* enum stack_end */
	__u32 pad;
	/* __u64 frames[kernel_cnt + user_cnt] follow */
};
_Static_assert(sizeof(struct stack_record) == 40, "no hidden padding in a stack record");

/* What one sample is counted under: never an address, a tid or a hash alone. */
struct sample_key {
	__u64 stack;    /* stack_record.hash; 0: no stack could be taken */
	__u64 start_ns; /* start of the process, CLOCK_BOOTTIME */
	__u64 cgroup;   /* cgroup v2 id */
	__u32 pid;      /* in the daemon's pid namespace; 0: outside of it */
	__u32 tag; /* block: OFFCPU_STATE_*; threads, threadcreate, wall: THREAD_STATE_WORD(); faults: enum fault_tag; else 0 */
	char comm[TASK_COMM_BYTES];   /* of the process (its leader) */
	char thread[TASK_COMM_BYTES]; /* of the thread */
	/* The other side of it. mutex: stack_record.hash of the waiter; sched: comm of the thread that held the CPU. */
	union {
		__u64 stack;
		char comm[TASK_COMM_BYTES];
	} peer;
};
_Static_assert(sizeof(struct sample_key) == 80, "no hidden padding in a key");

struct sample_value {
	__u64 count; /* samples, each weighted by the periods that it stands for */
	__u64 value; /* nanoseconds, bytes: what the collector measures */
};

/* Where samples go that found their map full: their process is still known. Fields as in struct sample_key. */
struct lost_key {
	__u64 start_ns;
	__u64 cgroup;
	__u32 pid;
	__u32 parity; /* of the epoch */
	char comm[TASK_COMM_BYTES];
};
_Static_assert(sizeof(struct lost_key) == 40, "no hidden padding in a key");

/* One executable mapping of a process, in the rows that the stack walk searches. */
struct mapping_row {
	__u64 start;
	__u64 end;
	__u64 bias;    /* ELF address = address - bias */
	__u32 file_id; /* 0: anonymous or JIT code; its frames stay raw */
	__u32 pad;
};
_Static_assert(sizeof(struct mapping_row) == 32, "two rows a cache line");

/* The rows of one process, and which image (exec) they describe. Written by the daemon in place, under seq. */
struct mapping_slice {
	__u32 seq; /* odd: being written; changed while it was read: do not use it */
	__u32 first;
	__u32 cnt;
	__u32 pid;
	/* mm->start_stack and mm->end_code of the image (/proc/PID/stat has both): a slice of the image before an exec, or
	 * of the pid's last owner, is recognised and not used. */
	__u64 start_stack;
	__u64 end_code;
};
_Static_assert(sizeof(struct mapping_slice) == 32, "two slices a cache line");

#endif
