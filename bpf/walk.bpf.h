/* SPDX-License-Identifier: GPL-2.0 */
/* Stack walks: kernel frames, then user frames normalised to (file, ELF address), hashed and sent once. */
#ifndef BPF_WALK_BPF_H
#define BPF_WALK_BPF_H

#include "mapping.bpf.h"
#include "step.bpf.h"
#include "uretprobe.bpf.h"

static __always_inline u64 hash__mix(u64 hash, u64 word)
{
	hash = (hash ^ word) * HASH_MULTIPLIER;
	return hash ^ (hash >> 29);
}

static __always_inline void walk__push(struct walk *walk, u64 frame)
{
	u32 cnt = walk->cnt;

	if (cnt >= STACK_FRAMES_MAX)
		return;
	walk->frames[cnt] = frame;
	walk->cnt = cnt + 1;
	walk->record.hash = hash__mix(walk->record.hash, frame);
}

/* bpf_loop callback: turns the kernel's return addresses into frames. */
static long walk__kernel_frame(u32 i, struct walk **ctx)
{
	struct walk *walk = *ctx;
	u64 addr;

	if (i >= STACK_FRAMES_MAX)
		return 1;
	/* bpf_get_stack() wrote into frames[]; each is read here before walk__push() overwrites it. */
	addr = walk->frames[i];
	if (!addr)
		return 1;
	walk__push(walk, ((addr - (i ? 1 : 0)) & ~FRAME_FILE) | FRAME_KERNEL);
	return 0;
}

/* bytes: of the return addresses in frames[], or -errno. */
static __always_inline void walk__use_kernel(struct walk *walk, long bytes)
{
	if (bytes < 0) {
		counter__inc(COUNTER_kernel_stack_failed);
		return;
	}
	bpf_loop((u32)bytes / sizeof(u64), walk__kernel_frame, &walk, 0);
	walk->record.kernel_cnt = walk->cnt;
}

/* ctx: the program's context, which bpf_get_stack() starts from. skip: frames of its leaf side that are left out. */
static __always_inline void walk__kernel_from(struct walk *walk, void *ctx, u64 skip)
{
	walk__use_kernel(
		walk, bpf_get_stack(ctx, walk->frames, KERNEL_FRAMES_MAX * sizeof(u64), skip));
}

static __always_inline void walk__kernel(struct walk *walk, void *ctx)
{
	walk__kernel_from(walk, ctx, 0);
}

/* On the stack of the program: a task is known to the verifier there only, not in a map. */
struct walk_of_task {
	struct walk *walk;
	struct task_struct *task;
};

/* bpf_loop callback: one user frame. */
static long walk__user_frame(u32 i, struct walk_of_task *ctx)
{
	struct walk *walk = ctx->walk;
	u64 pc = walk->exact ? walk->ip : walk->ip - 1;

	if (walk->cnt >= STACK_FRAMES_MAX) {
		walk->end = STACK_END_DEPTH;
		return 1;
	}
	if (mapping__find(walk, pc) && walk->row.file_id) {
		u64 frame = FRAME_FILE | (u64)walk->row.file_id << FRAME_ADDR_BITS;

		walk__push(walk, frame | ((pc - walk->row.bias) & FRAME_ADDR_MASK));
	} else if (walk__leave_probe(walk, ctx->task)) {
		return 0;
	} else {
		if (walk->in_exec && !i) {
			walk->end = STACK_END_EXEC;
			return 1;
		}
		/* A caller in no executable mapping is no frame: a frame pointer or a row led astray. */
		if (!walk->row.end && i) {
			walk->end = STACK_END_NO_MAPPING;
			return 1;
		}
		walk->record.raw_cnt++;
		walk__push(walk, pc & ~(FRAME_FILE | FRAME_KERNEL));
		/* Without mappings nothing tells a caller from any other word: the leaf is all that is known. */
		if (!walk->rows_cnt) {
			walk->end = STACK_END_NO_MAPPING;
			return 1;
		}
	}
	return step(walk, ctx->task, pc);
}

#define STACK_BYTES_MAX (64ull << 20)

/* A thread in execve(2) has the registers of the image that called it until the new one starts. */
static __always_inline bool walk__lost_its_image(struct walk *walk, struct task_struct *task)
{
	u64 start_stack = task->mm->start_stack;

	return !walk->rows_cnt || walk->sp > start_stack ||
	       start_stack - walk->sp > STACK_BYTES_MAX;
}

/* The user part, from the registers in walk->regs. */
static __always_inline void walk__user(
	struct walk *walk, struct task_struct *task, u32 pid, bool in_exec)
{
	struct walk_of_task ctx = {.walk = walk, .task = task};

	walk__enter_regs(walk);
	walk->window_usable = 0;
	walk->switch_cnt = 0;
	walk->in_exec = in_exec;
	walk->end = STACK_END_ROOT;
	walk__use_mappings(walk, task, pid);
	if (in_exec && walk__lost_its_image(walk, task)) {
		walk->end = STACK_END_EXEC;
		return;
	}
	if (walk->regs.compat) {
		walk->record.raw_cnt++;
		walk__push(walk, walk->ip);
		walk->end = STACK_END_COMPAT;
	} else {
		bpf_loop(STACK_FRAMES_MAX + 1 + URETPROBE_DEPTH_MAX, walk__user_frame, &ctx, 0);
	}
	walk->record.user_cnt = walk->cnt - walk->record.kernel_cnt;
}

static __always_inline void walk__begin(struct walk *walk)
{
	walk->cnt = 0;
	walk->in_clone = 0;
	walk->end = STACK_END_KERNEL;
	walk->record.hash = options.hash_seed;
	walk->record.kernel_cnt = 0;
	walk->record.user_cnt = 0;
	walk->record.raw_cnt = 0;
}

/* Wakes the daemon only when the ring is half full: it drains by itself once an interval. */
static __always_inline u64 stack_ring__flags(void)
{
	u64 size = bpf_ringbuf_query(&stack_ring, BPF_RB_RING_SIZE);

	return bpf_ringbuf_query(&stack_ring, BPF_RB_AVAIL_DATA) > size / 2 ? BPF_RB_FORCE_WAKEUP
									    : BPF_RB_NO_WAKEUP;
}

/* Sends the stack unless the daemon has it, and returns its hash. What could not be sent is not marked, so the next
 * sample with this stack sends it. */
static __always_inline u64 walk__finish(
	struct walk *walk, struct task_struct *task, u32 pid, u64 start_ns)
{
	struct stack_record *record = &walk->record;
	u64 hash = record->hash, cnt = walk->cnt, wakeup;
	u8 shipped = 1;

	counter__inc(COUNTER_end_root + walk->end);
	counter__add(COUNTER_frames_user, record->user_cnt);
	hash = hash__mix(hash, (u64)walk->end << 32 | record->kernel_cnt);
	if (record->raw_cnt) {
		/* Raw addresses mean something in this image of this process alone. */
		hash = hash__mix(hash__mix(hash, start_ns), pid);
		hash = hash__mix(hash, task->mm->start_stack);
		counter__add(COUNTER_frames_raw, record->raw_cnt);
	}
	hash |= !hash; /* 0 says that no stack could be taken */
	if (bpf_map_lookup_elem(&stacks_shipped, &hash))
		return hash;
	record->hash = hash;
	record->time_ns = bpf_ktime_get_boot_ns();
	record->start_ns = start_ns;
	record->pid = pid;
	record->end = walk->end;
	record->pad = 0;
	wakeup = stack_ring__flags();
	/* Checked in the register that is used then: 6.1 does not learn it of any other copy. */
	asm volatile("" : "+r"(cnt));
	if (cnt > STACK_FRAMES_MAX)
		return hash;
	if (bpf_ringbuf_output(&stack_ring, record, sizeof(*record) + cnt * sizeof(u64), wakeup)) {
		counter__inc(COUNTER_stack_ring_full);
		return hash;
	}
	counter__inc(COUNTER_stacks_shipped);
	if (bpf_map_update_elem(&stacks_shipped, &hash, &shipped, BPF_ANY))
		counter__inc(COUNTER_stack_mark_failed);
	return hash;
}

#endif
