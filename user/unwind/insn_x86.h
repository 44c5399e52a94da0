/* SPDX-License-Identifier: GPL-2.0 */
/* x86-64 instructions as far as a stack frame is concerned: how long, where they go, what they do to rsp and rbp. */
#ifndef UNWIND_INSN_X86_H
#define UNWIND_INSN_X86_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum insn_kind {
	INSN_OTHER = 0, /* the next instruction follows; rsp stays */
	INSN_NOP,       /* the same, and does nothing */
	INSN_CALL,      /* with has_target: a direct one */
	INSN_JUMP,      /* with has_target: a direct one */
	INSN_BRANCH,    /* jumps or not */
	INSN_RETURN,
	INSN_STOP,       /* hlt, ud2, int3 */
	INSN_PUSH,       /* rsp -= 8 */
	INSN_POP,        /* rsp += 8 */
	INSN_ADD_SP,     /* rsp += value */
	INSN_SP_FROM_FP, /* rsp = rbp + value */
	INSN_FP_FROM_SP, /* rbp = rsp */
	INSN_LEAVE,      /* rsp = rbp, pop rbp */
	INSN_LOSE_SP,    /* rsp becomes something else */
	INSN_ADDRESS,    /* a register gets the address `target` */
};

#define INSN_REG_DX 2
#define INSN_REG_SP 4
#define INSN_REG_FP 5
#define INSN_REG_SI 6
#define INSN_REG_DI 7

#define INSN_WRITES_ANY UINT32_MAX

struct insn {
	uint8_t bytes;
	uint8_t kind;    /* enum insn_kind */
	bool has_target; /* call, jump, branch: direct */
	bool is_fp;      /* push, pop: of rbp */
	bool may_write_fp; /* rbp may hold something else afterwards; not set for those above that say so */
	bool clears_fp;  /* xor %ebp,%ebp */
	uint32_t writes; /* general registers, by their number; INSN_WRITES_ANY: not told */
	int32_t value;
	int64_t target; /* from this instruction's own address */
};

/* The instruction behind it may not be the next. */
static inline bool insn__goes_elsewhere(const struct insn *insn)
{
	return insn->kind == INSN_CALL || insn->kind == INSN_JUMP || insn->kind == INSN_BRANCH ||
	       insn->kind == INSN_RETURN || insn->kind == INSN_STOP;
}

/* Decodes the instruction at code. False: cut off, or none that compilers emit. */
bool insn__decode(const uint8_t *code, size_t bytes, struct insn *ret);
/* The offset of the first push of a single byte that is reached in any case; 0: there is none. */
size_t insn__first_push(const uint8_t *code, size_t bytes);

#endif
