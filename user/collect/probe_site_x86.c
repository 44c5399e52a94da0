// SPDX-License-Identifier: GPL-2.0
/* The choice of a probe's instruction on x86-64. */
#include <string.h>

#include "collect/probe_site.h"
#include "unwind/insn_x86.h"

#define INSN_MAX 24

static int32_t read_i32(const uint8_t *bytes)
{
	int32_t value;

	memcpy(&value, bytes, sizeof(value));
	return value;
}

/* Some bytes of the function, read as a jump, lead to at: it might run more than once in a call, or with other arguments.
 * Instructions are not told apart from what lies within them: one too many only costs the better site. */
static bool code__jumps_to(const uint8_t *code, size_t bytes, uint32_t at)
{
	size_t i;

	for (i = 0; i + 1 < bytes; i++) {
		bool is_short = code[i] == 0xeb || (code[i] & 0xf0) == 0x70;
		bool is_near = code[i] == 0xe9 || (code[i] & 0xf0) == 0x80;

		if (is_short && (int64_t)i + 2 + (int8_t)code[i + 1] == at)
			return true;
		/* 80-8f: the second byte of a near jcc, the first of others */
		if (is_near && i + 5 <= bytes &&
			(int64_t)i + 5 + read_i32(code + i + 1) == (int64_t)at)
			return true;
	}
	return false;
}

/* Integer arguments go in rdi, rsi and rdx. */
static uint32_t arguments__mask(int cnt)
{
	return 1u << INSN_REG_DI | (cnt > 1 ? 1u << INSN_REG_SI : 0) |
	       (cnt > 2 ? 1u << INSN_REG_DX : 0);
}

/* Does the kernel's uprobes emulate it (arch/x86/kernel/uprobes.c, branch_setup_xol_ops() and push_setup_xol_ops())? That is a
 * push of a register, a nop of one byte, a direct call, jmp or jcc. Long nops are emulated by some kernels only, and prefixes
 * but bnd and that of r8 to r15 are left out. */
static bool insn__is_emulated(const uint8_t *code, const struct insn *insn)
{
	const uint8_t *opcode = code + (code[0] == 0xf2);

	switch (insn->kind) {
	case INSN_PUSH:
		return (insn->bytes == 1 && (code[0] & 0xf8) == 0x50) ||
		       (insn->bytes == 2 && code[0] == 0x41 && (code[1] & 0xf8) == 0x50);
	case INSN_NOP:
		return insn->bytes == 1;
	case INSN_CALL:
	case INSN_JUMP:
	case INSN_BRANCH:
		return insn->has_target &&
		       (opcode[0] == 0xe8 || opcode[0] == 0xe9 || opcode[0] == 0xeb ||
			       opcode[0] == 0x0f || (opcode[0] & 0xf0) == 0x70);
	default:
		return false;
	}
}

uint32_t probe_site_x86__choose(const uint8_t *code, size_t bytes, int argument_cnt,
	bool wants_return, bool *ret_is_emulated)
{
	uint32_t at = 0, arguments = arguments__mask(argument_cnt);
	int i;

	*ret_is_emulated = false;
	if (bytes > PROBE_CODE_BYTES_MAX)
		bytes = PROBE_CODE_BYTES_MAX;
	for (i = 0; i < INSN_MAX && at < bytes; i++) {
		struct insn insn;

		if (!insn__decode(code + at, bytes - at, &insn))
			break;
		/* a call is a branch whose target sees our registers, but the word that it pushes is
		 * another's: never for a return, and of no use for the rest */
		if (insn__is_emulated(code + at, &insn) && insn.kind != INSN_CALL) {
			if (at && code__jumps_to(code, bytes, at))
				break;
			*ret_is_emulated = true;
			return at;
		}
		if (insn__goes_elsewhere(&insn) || insn.writes & arguments)
			break;
		if (wants_return && insn.writes & 1u << INSN_REG_SP)
			break;
		at += insn.bytes;
	}
	return 0;
}
