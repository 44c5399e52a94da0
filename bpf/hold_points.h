/* SPDX-License-Identifier: GPL-2.0 */
/* Where CMD is held until the daemon knows what it maps. */
#ifndef BPFPROF_HOLD_H
#define BPFPROF_HOLD_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

/* In this order, each once. */
enum hold_point {
	HOLD_NOWHERE = 0,
	HOLD_EXEC, /* before its first instruction: the program and its dynamic linker are mapped */
	HOLD_LINKER, /* where the dynamic linker tells debuggers that it has mapped the libraries: nothing of them has run yet */
	HOLD_ENTRY,  /* at the program's own first instructions */
	HOLD_OVER,
};

struct hold_state {
	__u32 pid;          /* in the daemon's pid namespace */
	__u32 next;         /* enum hold_point: where it stops next */
	__u32 reached;      /* enum hold_point: where it was stopped last */
	__u32 linker_calls; /* of the function for debuggers: the second one is HOLD_LINKER */
};

#endif
