/* SPDX-License-Identifier: GPL-2.0 */
/* What a thread waited in, and the key of its samples; for a task that need not be the current one. */
#ifndef BPF_OFFCPU_KEY_BPF_H
#define BPF_OFFCPU_KEY_BPF_H

#include "offcpu_thread.bpf.h"
#include "regs.h"
#include "sample.bpf.h"
#include "syscalls.h"
#include "task.bpf.h"

#define S_IFMT   0170000
#define S_IFIFO  0010000
#define S_IFCHR  0020000
#define S_IFSOCK 0140000

/* The kind of file behind a descriptor. */
static __always_inline u32 fd__waits_for(struct task_struct *task, u32 fd)
{
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files, *file = NULL;

	if (!table || fd >= BPF_CORE_READ(table, max_fds))
		return OFFCPU_FILE;
	files = BPF_CORE_READ(table, fd);
	if (bpf_probe_read_kernel(&file, sizeof(file), &files[fd]) || !file)
		return OFFCPU_FILE;
	switch (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) {
	case S_IFIFO:
		return OFFCPU_PIPE;
	case S_IFSOCK:
		return OFFCPU_SOCKET;
	case S_IFCHR:
		return OFFCPU_TTY;
	default:
		return OFFCPU_FILE;
	}
}

/* state: as sched_switch told. The task is still where it left, so its registers still tell the system call. */
static __always_inline u32 task__waits_for(struct task_struct *task, u32 state)
{
	struct pt_regs *regs;
	u32 waits_for;

	if (!state && task->flags & PF_KTHREAD)
		return OFFCPU_PREEMPTED;
	if (state & TASK_STOPPED_TRACED)
		return OFFCPU_STOPPED;
	if (state & TASK_UNINTERRUPTIBLE && !(state & TASK_NOLOAD))
		return OFFCPU_DISK;
	if (task->flags & PF_KTHREAD)
		return OFFCPU_KERNEL;
	regs = (struct pt_regs *)bpf_task_pt_regs(task);
	waits_for = syscall__waits_for(pt_regs__syscall(regs));
	if (!state)
		return waits_for == OFFCPU_YIELD ? OFFCPU_YIELD : OFFCPU_PREEMPTED;
	if (waits_for == SYSCALL_OF_FD)
		return fd__waits_for(task, pt_regs__arg0(regs));
	return waits_for == SYSCALL_UNKNOWN ? OFFCPU_OTHER : waits_for;
}

static __always_inline void offcpu_key__fill(struct sample_key *key, struct task_struct *task)
{
	key->pid = task__pid(task);
	key->cgroup = task__cgroup(task);
	sample_key__name(key, task);
}

#endif
