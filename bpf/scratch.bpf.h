/* SPDX-License-Identifier: GPL-2.0 */
/* Buffers too large for the BPF stack: a slot for each CPU and nesting level. */
#ifndef BPF_SCRATCH_BPF_H
#define BPF_SCRATCH_BPF_H

#include "common.bpf.h"
#include "regs.h"

#define HASH_MULTIPLIER 0x9e3779b97f4a7c15ull /* 2^64 / golden ratio */

/* A uprobe's program, one of another task that preempted it, and an interrupt's over both; one to spare. */
#define SCRATCH_LEVELS 4

/* The rules of frames that were walked before on this CPU: most stacks share most of their frames. An address in a file has
 * one rule for good, so that nothing has to be taken out when tables go. */
#define RULES_CACHED_BITS 8
#define RULES_CACHED      (1u << RULES_CACHED_BITS)
struct cached_rule {
	u64 frame; /* 0: none */
	u32 rule;
	u32 pad;
};

/* What was read of the stack last: a read of user memory costs some 75 ns, however little is read, and frames are small. */
#define WINDOW_BYTES 256

/* No stack lies at these addresses. */
enum rbx_at {
	RBX_IN_REGS = 0, /* it still is what regs holds */
	RBX_LOST,
};

/* A stack being walked. The record is sent to the daemon as it stands, up to its last frame. */
struct walk {
	u64 ip;
	u64 sp;
	u64 fp;
	u64 rbx_at;   /* where this frame's rbx was saved on the stack, or enum rbx_at */
	u32 exact;    /* ip is the pc itself, not a return address */
	u32 in_clone; /* in clone(2): the leaf may have no row */
	u32 in_exec;  /* in execve(2): registers and image may not belong together */
	u32 has_regs; /* regs still are this frame's: the leaf, or one that a signal interrupted */
	u32 switch_cnt; /* stacks that the frame pointer has led to */
	u32 rows_first;
	u32 rows_cnt;           /* 0: the process's mappings are not known */
	struct mapping_row row; /* the last one hit */
	u64 window_start;       /* user address of window[0] */
	u64 window_usable;      /* words may start below this offset; 0: nothing was read yet */
	u8 window[WINDOW_BYTES];
	struct user_regs regs;
	struct signal_regs
		signal_regs; /* as they are read: the program's stack has no room for them */
	struct cached_rule rules[RULES_CACHED];
	u32 cnt; /* frames so far, kernel and user */
	u32 end; /* enum stack_end */
	struct stack_record record;
	u64 frames[STACK_FRAMES_MAX]; /* directly behind the record */
};
_Static_assert(__builtin_offsetof(struct walk, frames) ==
		       __builtin_offsetof(struct walk, record) + sizeof(struct stack_record),
	"frames follow their record");

/* The walk goes on where walk->regs were taken: a leaf, or what a signal interrupted. */
static __always_inline void walk__enter_regs(struct walk *walk)
{
	walk->ip = walk->regs.ip;
	walk->sp = walk->regs.dwarf[DWARF_REG_SP];
	walk->fp = walk->regs.dwarf[DWARF_REG_FP];
	walk->rbx_at = RBX_IN_REGS;
	walk->exact = 1;
	walk->has_regs = 1;
}

/* The walk goes on behind a call. */
static __always_inline void walk__enter_caller(struct walk *walk, u64 ip, u64 sp)
{
	walk->ip = ip;
	walk->sp = sp;
	walk->exact = 0;
	walk->has_regs = 0;
}

struct scratch {
	u32 busy;
	u32 pad;
	struct walk walk;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SCRATCH_LEVELS);
	__type(key, u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

/* NULL: none free; the caller counts what it loses by that. */
static __always_inline struct scratch *scratch__get(void)
{
	u32 level;

	/* Unrolled: Linux before 6.18 forgets the value of a key that a lookup has read, and takes this for an endless loop. */
#pragma unroll
	for (level = 0; level < SCRATCH_LEVELS; level++) {
		u32 key = level;
		struct scratch *scratch = bpf_map_lookup_elem(&scratches, &key);

		if (scratch && __sync_val_compare_and_swap(&scratch->busy, 0, 1) == 0)
			return scratch;
	}
	return NULL;
}

static __always_inline void scratch__put(struct scratch *scratch)
{
	__sync_lock_test_and_set(&scratch->busy, 0);
}

#endif
