/* SPDX-License-Identifier: GPL-2.0 */
/* From a frame's registers to its caller's: the one place that knows how code keeps its stack. */
#ifndef BPF_STEP_BPF_H
#define BPF_STEP_BPF_H

#include "scratch.bpf.h"
#include "step_rule.bpf.h"
#include "unwind.bpf.h"
#include "user_memory.bpf.h"

/* What a frame pointer points at. */
struct frame_record {
	u64 fp;
	u64 ret;
};

/* Go calls into its scheduler and into C on another stack, and the frame pointer leads back from there. */
#define STACK_SWITCHES_MAX 8
#define STACK_APART_BYTES  4096 /* frames of one stack do not go down by so much */

static __always_inline long user__read_record(
	struct walk *walk, struct task_struct *task, struct frame_record *frame)
{
	return user__read_word(walk, task, &frame->fp, walk->fp) ||
	       user__read_word(walk, task, &frame->ret, walk->fp + sizeof(frame->fp));
}

static __always_inline long step__to_record(struct walk *walk, struct frame_record *frame)
{
	if (!frame->ret)
		return 1;
	walk__enter_caller(walk, frame->ret, walk->fp + sizeof(*frame));
	walk->fp = frame->fp;
	walk->rbx_at = RBX_LOST;
	return 0;
}

static __always_inline bool step__may_switch(struct walk *walk)
{
	return walk->sp - walk->fp > STACK_APART_BYTES && ++walk->switch_cnt <= STACK_SWITCHES_MAX;
}

/* Code without an unwind table is trusted to keep frame pointers. */
static __always_inline long step__frame_pointer(
	struct walk *walk, struct task_struct *task, bool switches_stacks)
{
	struct frame_record frame;

	if (!walk->fp)
		return 1; /* _start clears it: the root */
	if (walk->fp & 7 || (walk->fp < walk->sp && !(switches_stacks && step__may_switch(walk)))) {
		walk->end = STACK_END_BAD_FP;
		return 1;
	}
	if (user__read_record(walk, task, &frame)) {
		walk->end = STACK_END_UNREADABLE;
		return 1;
	}
	return step__to_record(walk, &frame);
}

/* Code without rows in a file that has some: hand-written assembly keeps what it likes, V8's builtins inside of node keep
 * frame pointers. What the frame pointer says is taken if a call instruction stands before the return address. */
static __always_inline long step__without_row(struct walk *walk, struct task_struct *task)
{
	struct frame_record frame;
	u8 code[CALL_BYTES_MAX + 1];

	if (walk->fp & 7 || walk->fp < walk->sp || user__read_record(walk, task, &frame) ||
		user__read(task, code, CALL_BYTES_MAX, frame.ret - CALL_BYTES_MAX) ||
		!code__is_call(code)) {
		walk->end = STACK_END_NO_ROW;
		return 1;
	}
	return step__to_record(walk, &frame);
}

/* The leaf of a thread that is in clone(2). C libraries end their call frame information before the instruction, since it would be
 * wrong in the child; they have pushed nothing by then. */
static __always_inline long step__clone(struct walk *walk, struct task_struct *task)
{
	u64 ret;

	if (user__read_word(walk, task, &ret, walk->sp)) {
		walk->end = STACK_END_UNREADABLE;
		return 1;
	}
	walk__enter_caller(walk, ret, walk->sp + sizeof(ret));
	return !ret;
}

/* Code of a file: by its table, and by its frame pointers where it is known to keep them. pc: in walk->row. */
static __always_inline long step__file(
	struct walk *walk, struct task_struct *task, struct unwind_file *file, u64 pc)
{
	u32 state = *(volatile u32 *)&file->state;
	struct unwind_rule *rule;

	if (state == UNWIND_FRAME_POINTER)
		return step__frame_pointer(walk, task, true);
	if (state != UNWIND_READY) {
		if (state == UNWIND_NEW)
			unwind__request(file, walk->row.file_id);
		walk->end = STACK_END_NO_TABLE;
		return 1;
	}
	if (!file->referenced)
		file->referenced = 1;
	rule = unwind__find(walk, file, pc - walk->row.bias);
	if (rule)
		return step__rule(walk, task, rule);
	if (CALL_PUSHES_RETURN && walk->in_clone && walk->has_regs)
		return step__clone(walk, task);
	if (file->keeps_frame_pointers)
		return step__frame_pointer(walk, task, true);
	return step__without_row(walk, task);
}

/* Makes walk's registers the caller's. pc: of this frame, in walk->row if any mapping is known. 0, or 1 when the walk is
 * over; walk->end then says why. task: whose stack it is. */
static __always_inline long step(struct walk *walk, struct task_struct *task, u64 pc)
{
	u32 file_id = walk->row.file_id;
	struct unwind_file *file;

	if (!file_id)
		return step__frame_pointer(walk, task, false);
	file = bpf_map_lookup_elem(&unwind_files, &file_id);
	if (file)
		return step__file(walk, task, file, pc);
	walk->end = STACK_END_NO_TABLE; /* more files than the table holds */
	return 1;
}

#endif
