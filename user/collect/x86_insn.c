// SPDX-License-Identifier: GPL-2.0
/* A decoder of the few x86-64 instructions that functions begin with (Intel SDM volume 2, chapter 2 and appendix A): how long,
 * what it writes, whether the kernel's uprobes emulate it. */
#include "collect/x86_insn.h"

#define INSN_BYTES_MAX 15

#define REX_W 8
#define REX_R 4
#define REX_B 1

struct cursor {
	const uint8_t *code;
	size_t bytes;
	size_t at;
};

static int cursor__next(struct cursor *cursor)
{
	return cursor->at < cursor->bytes ? cursor->code[cursor->at++] : -1;
}

static int cursor__peek(const struct cursor *cursor)
{
	return cursor->at < cursor->bytes ? cursor->code[cursor->at] : -1;
}

struct prefixes {
	bool operand_size; /* 66 */
	bool repeat;       /* f3 */
	bool repeat_not;   /* f2; before a branch: bnd */
	bool segment;      /* fs or gs */
	uint8_t rex;
	uint8_t cnt;
};

static void prefixes__read(struct cursor *cursor, struct prefixes *ret)
{
	int byte;

	*ret = (struct prefixes){0};
	while ((byte = cursor__peek(cursor)) >= 0 && ret->cnt < 4) {
		if (byte == 0x66)
			ret->operand_size = true;
		else if (byte == 0xf3)
			ret->repeat = true;
		else if (byte == 0xf2)
			ret->repeat_not = true;
		else if (byte == 0x64 || byte == 0x65)
			ret->segment = true;
		else
			break;
		cursor->at++;
		ret->cnt++;
	}
	if (byte >= 0x40 && byte <= 0x4f) {
		ret->rex = (uint8_t)byte;
		cursor->at++;
		ret->cnt++;
	}
}

struct modrm {
	uint8_t mod;
	uint8_t reg; /* with rex.r */
	uint8_t rm;  /* with rex.b; a register when mod is 3 */
	uint8_t op;  /* reg without rex */
};

static bool modrm__read(struct cursor *cursor, uint8_t rex, struct modrm *ret)
{
	int byte = cursor__next(cursor), sib;

	if (byte < 0)
		return false;
	ret->mod = (uint8_t)(byte >> 6);
	ret->op = (byte >> 3) & 7;
	ret->reg = (uint8_t)(ret->op | (rex & REX_R ? 8 : 0));
	ret->rm = (uint8_t)((byte & 7) | (rex & REX_B ? 8 : 0));
	if (ret->mod == 3)
		return true;
	if ((byte & 7) == 4) {
		sib = cursor__next(cursor);
		if (sib < 0)
			return false;
		if (ret->mod == 0 && (sib & 7) == 5)
			cursor->at += 4;
	} else if (ret->mod == 0 && (byte & 7) == 5) {
		cursor->at += 4; /* rip-relative */
	}
	cursor->at += ret->mod == 1 ? 1 : ret->mod == 2 ? 4 : 0;
	return true;
}

static uint32_t register__bit(uint8_t number)
{
	return 1u << number;
}

/* Arithmetic and moves: 00-3b, 63, 84-8b, 8d. */
static bool decode__modrm(
	struct cursor *cursor, const struct prefixes *prefixes, int opcode, struct x86_insn *ret)
{
	bool is_arithmetic = opcode < 0x40 && (opcode & 7) < 4;
	bool compares = (opcode & ~3) == 0x38 || opcode == 0x84 || opcode == 0x85;
	bool to_reg = opcode == 0x63 || opcode == 0x8d || opcode == 0x8a || opcode == 0x8b ||
		      (is_arithmetic && (opcode & 2));
	struct modrm modrm;

	if (!is_arithmetic && !to_reg && !compares && opcode != 0x88 && opcode != 0x89)
		return false;
	if (!modrm__read(cursor, prefixes->rex, &modrm))
		return false;
	if (compares)
		return true;
	if (to_reg)
		ret->writes = register__bit(modrm.reg);
	else if (modrm.mod == 3)
		ret->writes = register__bit(modrm.rm);
	return true;
}

/* With an immediate: 80, 81, 83, c6, c7, c0, c1, d0, d1, f6, f7. */
static bool decode__group(
	struct cursor *cursor, const struct prefixes *prefixes, int opcode, struct x86_insn *ret)
{
	size_t wide = prefixes->operand_size ? 2 : 4, immediate;
	struct modrm modrm;

	if (!modrm__read(cursor, prefixes->rex, &modrm))
		return false;
	if (opcode == 0x81 || opcode == 0xc7)
		immediate = wide;
	else if (opcode == 0xd0 || opcode == 0xd1)
		immediate = 0;
	else if (opcode == 0xf6)
		immediate = 1;
	else if (opcode == 0xf7)
		immediate = wide;
	else
		immediate = 1;
	if ((opcode == 0xf6 || opcode == 0xf7) && modrm.op > 1)
		return false; /* not, neg, mul, div: not what a function begins with */
	if ((opcode == 0xc6 || opcode == 0xc7) && modrm.op)
		return false;
	cursor->at += immediate;
	if ((opcode == 0xf6 || opcode == 0xf7) || (opcode <= 0x83 && modrm.op == 7))
		return true; /* test, cmp */
	if (modrm.mod == 3)
		ret->writes = register__bit(modrm.rm);
	return true;
}

/* 0f xx */
static bool decode__two_bytes(
	struct cursor *cursor, const struct prefixes *prefixes, struct x86_insn *ret)
{
	int opcode = cursor__next(cursor);
	struct modrm modrm;

	if (opcode >= 0x80 && opcode <= 0x8f) {
		cursor->at += 4;
		ret->is_branch = true;
		ret->is_emulated = !prefixes->operand_size;
		return true;
	}
	if (opcode == 0x1e && prefixes->repeat && cursor__peek(cursor) == 0xfa) {
		cursor->at++; /* endbr64 */
		return true;
	}
	if (opcode == 0x1f) /* a long nop: emulated by some kernels, not by all */
		return modrm__read(cursor, prefixes->rex, &modrm);
	if ((opcode >= 0x40 && opcode <= 0x4f) || opcode == 0xb6 || opcode == 0xb7 ||
		opcode == 0xbe || opcode == 0xbf || opcode == 0xaf) {
		if (!modrm__read(cursor, prefixes->rex, &modrm))
			return false;
		ret->writes = register__bit(modrm.reg);
		return true;
	}
	if (opcode >= 0x90 && opcode <= 0x9f) { /* setcc */
		if (!modrm__read(cursor, prefixes->rex, &modrm))
			return false;
		if (modrm.mod == 3)
			ret->writes = register__bit(modrm.rm);
		return true;
	}
	return false;
}

static bool decode__branch(
	struct cursor *cursor, const struct prefixes *prefixes, int opcode, struct x86_insn *ret)
{
	cursor->at += opcode == 0xe8 || opcode == 0xe9 ? 4 : 1;
	ret->is_branch = true;
	ret->is_emulated = !prefixes->operand_size;
	return true;
}

static bool decode__opcode(
	struct cursor *cursor, const struct prefixes *prefixes, int opcode, struct x86_insn *ret)
{
	uint8_t rex = prefixes->rex, low;

	if (opcode == 0x0f)
		return decode__two_bytes(cursor, prefixes, ret);
	if (opcode == 0xe8 || opcode == 0xe9 || opcode == 0xeb ||
		(opcode >= 0x70 && opcode <= 0x7f))
		return decode__branch(cursor, prefixes, opcode, ret);
	low = (uint8_t)((opcode & 7) | (rex & REX_B ? 8 : 0));
	if (opcode >= 0x50 && opcode <= 0x57) {
		ret->writes = register__bit(X86_REG_SP);
		/* push_setup_xol_ops() takes it bare or with the one prefix 41 */
		ret->is_emulated = !prefixes->cnt || (prefixes->cnt == 1 && rex == 0x41);
		return true;
	}
	if (opcode == 0x90 && !rex) {
		ret->is_emulated = !prefixes->repeat; /* pause */
		return true;
	}
	if (opcode >= 0xb8 && opcode <= 0xbf) {
		cursor->at += rex & REX_W ? 8 : prefixes->operand_size ? 2 : 4;
		ret->writes = register__bit(low);
		return true;
	}
	if (opcode < 0x40 && (opcode & 6) == 4) { /* arithmetic on ax and an immediate */
		cursor->at += opcode & 1 ? (prefixes->operand_size ? 2 : 4) : 1;
		ret->writes = 1;
		return true;
	}
	if (opcode == 0xa8 || opcode == 0xa9) {
		cursor->at += opcode & 1 ? (prefixes->operand_size ? 2 : 4) : 1;
		return true;
	}
	if (opcode == 0x80 || opcode == 0x81 || opcode == 0x83 || opcode == 0xc6 ||
		opcode == 0xc7 || opcode == 0xc0 || opcode == 0xc1 || opcode == 0xd0 ||
		opcode == 0xd1 || opcode == 0xf6 || opcode == 0xf7)
		return decode__group(cursor, prefixes, opcode, ret);
	return decode__modrm(cursor, prefixes, opcode, ret);
}

bool x86_insn__decode(const uint8_t *code, size_t bytes, struct x86_insn *ret)
{
	struct cursor cursor = {
		.code = code, .bytes = bytes < INSN_BYTES_MAX ? bytes : INSN_BYTES_MAX};
	struct prefixes prefixes;
	int opcode;

	*ret = (struct x86_insn){0};
	prefixes__read(&cursor, &prefixes);
	opcode = cursor__next(&cursor);
	if (opcode < 0 || !decode__opcode(&cursor, &prefixes, opcode, ret) ||
		cursor.at > cursor.bytes)
		return false;
	ret->bytes = (uint8_t)cursor.at;
	return true;
}
