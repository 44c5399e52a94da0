/* SPDX-License-Identifier: GPL-2.0 */
/* Where a probed function was called, and where it was stepped: uprobes run code of their own in a page that they add to a
 * process, and keep what they replaced. */
#ifndef BPF_URETPROBE_BPF_H
#define BPF_URETPROBE_BPF_H

#include "scratch.bpf.h"
#include "user_memory.bpf.h"

/* The kernel's limit is 64 (MAX_URETPROBE_DEPTH); calls of probed functions within one another are few. */
#define URETPROBE_DEPTH_MAX 32
#define XOL_PAGE_BYTES      4096
#define XOL_SLOT_BYTES      128 /* UPROBE_XOL_SLOT_BYTES; the first one is the trampoline */
/* What the trampoline may have pushed by itself: since 6.11 it saves registers for its system call. */
#define TRAMPOLINE_PUSHES_MAX 64

/* Makes the walk go on where the call was made whose return address stood from low to high. */
static __always_inline bool walk__return_from(
	struct walk *walk, struct uprobe_task *utask, u64 low, u64 high)
{
	struct return_instance *call = BPF_CORE_READ(utask, return_instances);
	u32 i;

	for (i = 0; i < URETPROBE_DEPTH_MAX && call; i++) {
		u64 at = BPF_CORE_READ(call, stack);

		if (at >= low && at <= high) {
			walk__enter_caller(
				walk, BPF_CORE_READ(call, orig_ret_vaddr), at + RETURN_POPS_BYTES);
			return true;
		}
		call = BPF_CORE_READ(call, next);
	}
	return false;
}

/* A thread that was interrupted on the trampoline's way out, by a signal most often: the kernel has forgotten the call by then, and
 * its return address is on the stack. */
static __always_inline bool walk__return_by_trampoline(struct walk *walk, struct task_struct *task)
{
	u64 ret, at;
	u32 code;
	int cnt;

	if (user__read(task, &code, sizeof(code), walk->ip))
		return false;
	cnt = trampoline__words_left(code);
	at = walk->sp + (u64)cnt * sizeof(u64);
	if (cnt < 0 || user__read(task, &ret, sizeof(ret), at))
		return false;
	walk__enter_caller(walk, ret, at + sizeof(ret));
	return true;
}

/*
 * A return probe replaces the return address of its function by that of a trampoline. False: walk->ip is not there. True:
 * the walk's registers are the caller's. The kernel knows the calls under way by the place of their return address: a walk
 * that came by a frame's rule has just left it behind; a thread that is in the trampoline itself is returning from its last call. In
 * the rest of the page instructions under a probe are stepped, with all registers as they are in the function.
 */
static __always_inline bool walk__leave_probe(struct walk *walk, struct task_struct *task)
{
	struct uprobe_task *utask;
	struct xol_area *area;
	u64 from_page, low;

	if (!bpf_core_field_exists(task->utask))
		return false;
	utask = BPF_CORE_READ(task, utask);
	if (!utask)
		return false;
	area = BPF_CORE_READ(task, mm, uprobes_state.xol_area);
	from_page = area ? walk->ip - BPF_CORE_READ(area, vaddr) : XOL_PAGE_BYTES;
	if (from_page >= XOL_PAGE_BYTES)
		return false;
	low = walk->sp - RETURN_POPS_BYTES;
	if (!walk->exact)
		return walk__return_from(walk, utask, low, low);
	if (from_page < XOL_SLOT_BYTES)
		return walk__return_by_trampoline(walk, task) ||
		       walk__return_from(walk, utask, low, low + TRAMPOLINE_PUSHES_MAX);
	from_page = BPF_CORE_READ(utask, vaddr);
	if (!from_page || from_page == walk->ip)
		return false;
	walk->ip = from_page;
	return true;
}

#endif
