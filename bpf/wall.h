/* SPDX-License-Identifier: GPL-2.0 */
/* What the wall clock's program and the daemon say to each other. */
#ifndef BPFPROF_WALL_H
#define BPFPROF_WALL_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

/* .bss of the program that is run each tick. */
struct wall_control {
	__u64 cnt; /* what a thread counts in this tick: so many periods */
	__u64 ns;  /* and so much time, since the last tick */
	__u64 due_ns; /* when the tick was to be, CLOCK_MONOTONIC: it comes when the daemon gets a CPU */
	__u64 threads; /* how many were counted; written by the program */
};

#endif
