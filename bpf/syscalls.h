/* SPDX-License-Identifier: GPL-2.0 */
/* What a thread waits for in a system call, whichever architecture numbers it. */
#ifndef BPF_SYSCALLS_H
#define BPF_SYSCALLS_H

#include "offcpu_stats.h"

/* enum offcpu_state, or one of these two. */
#define SYSCALL_OF_FD   OFFCPU_STATE_CNT /* what its first argument, a descriptor, says */
#define SYSCALL_UNKNOWN (OFFCPU_STATE_CNT + 1)

/* futex(2)'s operations, uapi linux/futex.h. */
#define FUTEX_COMMAND_MASK 0x7f
#define FUTEX_WAKES                                                                                \
	(1u << 1 /* WAKE */ | 1u << 3 /* REQUEUE */ | 1u << 4 /* CMP_REQUEUE */ |                  \
		1u << 5 /* WAKE_OP */ | 1u << 7 /* UNLOCK_PI */ | 1u << 10 /* WAKE_BITSET */ |     \
		1u << 12 /* CMP_REQUEUE_PI */)

#if defined(__TARGET_ARCH_x86)
#include "syscalls_x86.h"
#elif defined(__TARGET_ARCH_arm64)
#include "syscalls_arm64.h"
#else
#error "no system call numbers for this architecture"
#endif

#endif
