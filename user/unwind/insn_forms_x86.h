/* SPDX-License-Identifier: GPL-2.0 */
/* What x86-64 opcodes are followed by, and which general registers they write. */
#ifndef UNWIND_INSN_FORMS_X86_H
#define UNWIND_INSN_FORMS_X86_H

/* What an opcode is followed by, and which general register it writes. */
enum {
	F_BAD = 0x01,
	F_MODRM = 0x02,
	F_IMM8 = 0x04,
	F_IMM32 = 0x08, /* 16 bits with an operand size prefix */
	F_REG = 0x10,   /* writes the register of ModR/M.reg */
	F_RM = 0x20,    /* writes the one of ModR/M.rm */
	F_BYTE = 0x40,  /* on bytes: without REX 4 to 7 are ah to bh */
	F_AX = 0x80,    /* writes al, ax, eax or rax */
	F_MORE = 0x100, /* may write registers that are not told here */
};

/* Of one-byte opcodes, but those that the decoder takes by itself. */
unsigned int insn__one_byte_form(int opcode);
/* 0f xx, but jcc, bswap, ud2 and nops. */
unsigned int insn__two_byte_form(int opcode);
/* map: 1 is 0f, 2 is 0f 38, 3 is 0f 3a, as VEX and EVEX count them. */
unsigned int insn__vector_form(int map, int opcode);

#endif
