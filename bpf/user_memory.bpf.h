/* SPDX-License-Identifier: GPL-2.0 */
/* Whose memory a stack walk reads. Most programs walk the task that they run in, whose resident pages they may read wherever they
 * are. A program that walks other tasks may sleep and defines WALK_OF_OTHER_TASKS before it includes the walk: one object holds
 * programs of one kind. */
#ifndef BPF_USER_MEMORY_BPF_H
#define BPF_USER_MEMORY_BPF_H

#ifdef WALK_OF_OTHER_TASKS
#include "user_memory_other.bpf.h"
#else

static __always_inline long user__read(struct task_struct *task, void *to, u32 bytes, u64 from)
{
	return bpf_probe_read_user(to, bytes, (void *)from);
}

#endif
#endif
