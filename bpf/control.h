/* SPDX-License-Identifier: GPL-2.0 */
/* Options that the daemon fixes before the load, and the words it shares with running programs. */
#ifndef BPFPROF_CONTROL_H
#define BPFPROF_CONTROL_H

#include "bpfprof.h"

/* rodata of every object; the verifier removes what an option turns off. */
struct prog_options {
	__u64 hash_seed;     /* random per run: a process cannot aim at another's stack hash */
	__u64 period_ns;     /* of the CPU clock */
	__u32 all_processes; /* the whole host: targets is not looked at */
	__u32 follow_children;
	__u32 pidns_inum; /* of the daemon's pid namespace; 0: the initial one */
	__u32 cpu_cnt;    /* possible CPUs */
	__u64 heap_rate_bytes;
};

struct control {
	__u32 epoch;    /* BPF writes the maps of epoch & 1; the daemon drains the others */
	__u32 held_pid; /* CMD on its way to main(), where the daemon stops it; 0: nobody is held */
};

/* Who is inside which epoch, one line a CPU: the daemon drains a map when as many have left as entered. */
struct epoch_users {
	__u64 enter[2];
	__u64 exit[2];
	__u64 pad[4];
};
_Static_assert(sizeof(struct epoch_users) == 64, "one cache line a CPU");

#endif
