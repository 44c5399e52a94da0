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

#define USER_PAGE_BYTES 4096ull /* or more: then a window ends early */

/* A word of the stack. What lies above it up to WINDOW_BYTES is read with it, in its page: where a word can be read, so can that. */
static __always_inline long user__read_word(
	struct walk *walk, struct task_struct *task, u64 *ret, u64 from)
{
	u64 at = from - walk->window_start, bytes = USER_PAGE_BYTES - from % USER_PAGE_BYTES;

	if (from % sizeof(u64)) /* by chance or ill will; and it may lie in two pages */
		return user__read(task, ret, sizeof(u64), from);
	if (at >= walk->window_usable) {
		if (bytes > WINDOW_BYTES)
			bytes = WINDOW_BYTES;
		walk->window_usable = 0;
		if (user__read(task, walk->window, bytes, from))
			return 1;
		walk->window_start = from;
		walk->window_usable = bytes - sizeof(u64) + 1;
		at = 0;
	}
	asm volatile("" : "+r"(at)); /* checked in the register that is used then */
	if (at > WINDOW_BYTES - sizeof(u64))
		return 1;
	*ret = *(u64 *)(walk->window + at);
	return 0;
}

#endif
