/* SPDX-License-Identifier: GPL-2.0 */
/* Reading the stack of a task that is not the current one: pages that are not resident are fetched. */
#ifndef BPF_USER_MEMORY_OTHER_BPF_H
#define BPF_USER_MEMORY_OTHER_BPF_H

#include <linux/errno.h>

#include "thread.h"

struct pass pass;

/*
 * Only anonymous memory and code are read. A page of a file can take as long to come as whoever serves the file likes: a process
 * that puts its stack on a file system of its own (FUSE) would hold up the reader for ever. Files of code the daemon reads anyway. The area that was read last is
 * remembered; one walk at a time runs (user/collect/threads.c), so one is enough.
 */
static __always_inline void area__forget(void)
{
	pass.area_start = 0;
	pass.area_end = 0;
	pass.area_is_locked = 0;
}

/* bpf_find_vma callback. */
static long area__take(struct task_struct *task, struct vm_area_struct *vma, void *ctx)
{
	if (!vma->vm_file || vma->vm_flags & VM_EXEC) {
		pass.area_start = vma->vm_start;
		pass.area_end = vma->vm_end;
	}
	return 0;
}

static __always_inline bool area__has(u64 from, u32 bytes)
{
	return from >= pass.area_start && from < pass.area_end && pass.area_end - from >= bytes;
}

static __always_inline long user__read(struct task_struct *task, void *to, u32 bytes, u64 from)
{
	if (!area__has(from, bytes)) {
		pass.area_start = 0;
		pass.area_end = 0;
		if (bpf_find_vma(task, from, area__take, NULL, 0) == -EBUSY)
			pass.area_is_locked = 1;
		if (!area__has(from, bytes))
			return -EFAULT;
	}
	return bpf_copy_from_user_task(to, bytes, (void *)from, task, 0);
}

#endif
