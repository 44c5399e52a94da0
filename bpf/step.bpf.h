/* SPDX-License-Identifier: GPL-2.0 */
/* From a frame's registers to its caller's: the one place that knows how code keeps its stack. */
#ifndef BPF_STEP_BPF_H
#define BPF_STEP_BPF_H

#include "scratch.bpf.h"
#include "step_rule.bpf.h"
#include "unwind.bpf.h"

/* What a frame pointer points at. */
struct frame_record {
	u64 fp;
	u64 ret;
};

/* Code without an unwind table is trusted to keep frame pointers. */
static __always_inline long step__frame_pointer(struct walk *walk)
{
	struct frame_record frame;

	if (!walk->fp)
		return 1; /* _start clears it: the root */
	if (walk->fp < walk->sp || walk->fp & 7) {
		walk->end = STACK_END_BAD_FP;
		return 1;
	}
	if (bpf_probe_read_user(&frame, sizeof(frame), (void *)walk->fp)) {
		walk->end = STACK_END_UNREADABLE;
		return 1;
	}
	if (!frame.ret)
		return 1;
	walk->sp = walk->fp + sizeof(frame);
	walk->fp = frame.fp;
	walk->ip = frame.ret;
	walk->exact = 0;
	walk->has_regs = 0;
	return 0;
}

/* Code of a file: by its table, and by its frame pointers where it is known to keep them. pc: in walk->row. */
static __always_inline long step__file(struct walk *walk, struct unwind_file *file, u64 pc)
{
	u32 state = *(volatile u32 *)&file->state;
	struct unwind_rule *rule;

	if (state == UNWIND_FRAME_POINTER)
		return step__frame_pointer(walk);
	if (state != UNWIND_READY) {
		if (state == UNWIND_NEW)
			unwind__request(file, walk->row.file_id);
		walk->end = STACK_END_NO_TABLE;
		return 1;
	}
	if (!file->referenced)
		file->referenced = 1;
	rule = unwind__find(file, pc - walk->row.bias);
	if (rule)
		return step__rule(walk, rule);
	/* The entry code of musl and of static programs has no CFI, but clears the frame pointer. */
	if (file->keeps_frame_pointers || !walk->fp)
		return step__frame_pointer(walk);
	walk->end = STACK_END_NO_ROW;
	return 1;
}

/* Makes walk's registers the caller's. pc: of this frame, in walk->row if any mapping is known. 0, or 1 when the walk is
 * over; walk->end then says why. */
static __always_inline long step(struct walk *walk, u64 pc)
{
	u32 file_id = walk->row.file_id;
	struct unwind_file *file;

	if (!file_id)
		return step__frame_pointer(walk);
	file = bpf_map_lookup_elem(&unwind_files, &file_id);
	if (file)
		return step__file(walk, file, pc);
	walk->end = STACK_END_NO_TABLE; /* more files than the table holds */
	return 1;
}

#endif
