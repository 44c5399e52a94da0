/* SPDX-License-Identifier: GPL-2.0 */
/* The few x86-64 instructions that functions begin with. */
#ifndef COLLECT_X86_INSN_H
#define COLLECT_X86_INSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define X86_REG_DX 2
#define X86_REG_SP 4
#define X86_REG_SI 6
#define X86_REG_DI 7

struct x86_insn {
	uint8_t bytes;
	bool is_emulated; /* by the kernel's uprobes (arch/x86/kernel/uprobes.c): push, nop, jmp, jcc, call */
	bool is_branch;  /* what follows may not run */
	uint32_t writes; /* general registers, by their number */
};

/* Decodes the instruction at code. False: cut off, or none of those that are known. */
bool x86_insn__decode(const uint8_t *code, size_t bytes, struct x86_insn *ret);

#endif
