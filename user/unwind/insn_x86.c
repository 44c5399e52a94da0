// SPDX-License-Identifier: GPL-2.0
/* A decoder of x86-64 instructions (Intel SDM volume 2, chapter 2 and appendix A) that tells their length and what they do to the
 * stack and frame pointers. What it does not know it refuses; where it is not sure whether rbp is written it says so. */
#include "unwind/insn_x86.h"

#include <string.h>

#include "unwind/insn_forms_x86.h"

#define INSN_BYTES_MAX 15

#define REX_W 8
#define REX_R 4
#define REX_X 2
#define REX_B 1

struct decoder {
	const uint8_t *code;
	size_t bytes;
	size_t at;
	bool operand_size, repeat, repeat_not;
	uint8_t rex;
	/* of ModR/M */
	uint8_t mod, reg, rm; /* with REX's bits */
	uint8_t op;           /* reg without */
	bool is_rip;          /* rip-relative */
	bool has_index;
	uint8_t base; /* of the memory operand, with REX's bit */
	int32_t displacement;
};

static int next(struct decoder *d)
{
	return d->at < d->bytes ? d->code[d->at++] : -1;
}

static bool skip(struct decoder *d, size_t bytes)
{
	if (d->bytes - d->at < bytes)
		return false;
	d->at += bytes;
	return true;
}

static bool read_signed(struct decoder *d, size_t bytes, int32_t *ret)
{
	int8_t byte;

	if (d->bytes - d->at < bytes)
		return false;
	if (bytes == 1) {
		memcpy(&byte, d->code + d->at, 1);
		*ret = byte;
	} else {
		memcpy(ret, d->code + d->at, 4);
	}
	d->at += bytes;
	return true;
}

static bool read_modrm(struct decoder *d)
{
	int byte = next(d), sib;

	if (byte < 0)
		return false;
	d->mod = (uint8_t)(byte >> 6);
	d->op = (byte >> 3) & 7;
	d->reg = (uint8_t)(d->op | (d->rex & REX_R ? 8 : 0));
	d->rm = (uint8_t)((byte & 7) | (d->rex & REX_B ? 8 : 0));
	d->base = d->rm;
	if (d->mod == 3)
		return true;
	if ((byte & 7) == 4) {
		sib = next(d);
		if (sib < 0)
			return false;
		d->base = (uint8_t)((sib & 7) | (d->rex & REX_B ? 8 : 0));
		d->has_index = ((sib >> 3) & 7) != 4 || d->rex & REX_X;
		if (!d->mod && (sib & 7) == 5) {
			d->base = 16; /* none */
			return read_signed(d, 4, &d->displacement);
		}
	} else if (!d->mod && (byte & 7) == 5) {
		d->is_rip = true;
		return read_signed(d, 4, &d->displacement);
	}
	if (d->mod == 1)
		return read_signed(d, 1, &d->displacement);
	return d->mod != 2 || read_signed(d, 4, &d->displacement);
}

static void read_prefixes(struct decoder *d)
{
	for (; d->at < d->bytes; d->at++) {
		uint8_t byte = d->code[d->at];

		if (byte == 0x66)
			d->operand_size = true;
		else if (byte == 0xf3)
			d->repeat = true;
		else if (byte == 0xf2)
			d->repeat_not = true;
		else if (byte != 0x2e && byte != 0x36 && byte != 0x3e && byte != 0x26 &&
			 byte != 0x64 && byte != 0x65 && byte != 0xf0)
			break;
	}
	if (d->at < d->bytes && (d->code[d->at] & 0xf0) == 0x40)
		d->rex = d->code[d->at++];
}

static uint32_t reg__bit(const struct decoder *d, unsigned int form, uint8_t number)
{
	bool is_high = form & F_BYTE && !d->rex && number >= 4; /* ah to bh */

	return 1u << (is_high ? number - 4 : number);
}

/* Reads what form says and tells which registers are written. */
static bool read_operands(struct decoder *d, unsigned int form, struct insn *ret)
{
	uint32_t writes = form & F_AX ? 1 : 0;

	if (form & F_BAD)
		return false;
	if (form & F_MODRM && !read_modrm(d))
		return false;
	if (form & F_IMM8 && !skip(d, 1))
		return false;
	if (form & F_IMM32 && !skip(d, d->operand_size ? 2 : 4))
		return false;
	if (form & F_REG)
		writes |= reg__bit(d, form, d->reg);
	if (form & F_RM && d->mod == 3)
		writes |= reg__bit(d, form, d->rm);
	if (writes & 1u << INSN_REG_SP)
		ret->kind = INSN_LOSE_SP;
	ret->may_write_fp = writes & 1u << INSN_REG_FP;
	ret->writes = form & F_MORE ? INSN_WRITES_ANY : writes;
	return true;
}

static bool decode_vex(struct decoder *d, int opcode, struct insn *ret)
{
	int first = next(d), map = 1;

	if (first < 0)
		return false;
	/* The bits of REX are inverted here. */
	d->rex = first & 0x80 ? 0 : REX_R;
	if (opcode == 0xc4 || opcode == 0x62) {
		map = first & (opcode == 0xc4 ? 0x1f : 7);
		d->rex |= (uint8_t)((first & 0x40 ? 0 : REX_X) | (first & 0x20 ? 0 : REX_B));
		if (!skip(d, opcode == 0xc4 ? 1 : 2))
			return false;
	}
	d->rex |= 0x40;
	opcode = next(d);
	return opcode >= 0 && read_operands(d, insn__vector_form(map, opcode), ret);
}

static bool decode_two_bytes(struct decoder *d, struct insn *ret)
{
	int opcode = next(d), third;
	int32_t distance;

	if (opcode >= 0x80 && opcode <= 0x8f) {
		if (!read_signed(d, 4, &distance))
			return false;
		ret->kind = INSN_BRANCH;
		ret->has_target = true;
		ret->target = (int64_t)d->at + distance;
		return true;
	}
	if (opcode >= 0xc8 && opcode <= 0xcf) {
		ret->may_write_fp = (opcode & 7) == INSN_REG_FP && !(d->rex & REX_B);
		return true;
	}
	if (opcode == 0x38 || opcode == 0x3a) {
		third = next(d);
		return third >= 0 &&
		       read_operands(d, insn__vector_form(opcode == 0x38 ? 2 : 3, third), ret);
	}
	if (opcode == 0x0b) {
		ret->kind = INSN_STOP;
		return true;
	}
	if (opcode == 0x1e || opcode == 0x1f) {
		/* endbr64 is one of them, but no padding */
		ret->kind = opcode == 0x1f ? INSN_NOP : INSN_OTHER;
		if (!read_modrm(d))
			return false;
		if (opcode == 0x1f || (d->mod == 3 && d->op == 7))
			ret->writes = 0; /* others of 1e read the shadow stack's pointer */
		return true;
	}
	return opcode >= 0 && read_operands(d, insn__two_byte_form(opcode), ret);
}

static bool decode_branch(struct decoder *d, int opcode, struct insn *ret)
{
	int32_t distance;

	if (!read_signed(d, opcode == 0xe8 || opcode == 0xe9 ? 4 : 1, &distance))
		return false;
	ret->kind = opcode == 0xe8                     ? INSN_CALL
		    : opcode == 0xe9 || opcode == 0xeb ? INSN_JUMP
						       : INSN_BRANCH;
	ret->has_target = true;
	ret->target = (int64_t)d->at + distance;
	return true;
}

/* ff: inc, dec, call, jmp, push; f6 and f7: test, not, neg, mul, div; 8f: pop. */
static bool decode_unary(struct decoder *d, int opcode, struct insn *ret)
{
	if (!read_modrm(d))
		return false;
	if (opcode == 0x8f) {
		ret->kind = d->mod == 3 && d->rm == INSN_REG_SP ? INSN_LOSE_SP : INSN_POP;
		ret->is_fp = d->mod == 3 && d->rm == INSN_REG_FP;
		return !d->op;
	}
	if (opcode == 0xff && d->op >= 2) {
		ret->kind = d->op == 2 ? INSN_CALL : d->op == 4 ? INSN_JUMP : INSN_PUSH;
		return d->op != 3 && d->op != 5 && d->op != 7;
	}
	if (opcode != 0xff && d->op < 2) {
		ret->writes = 0;
		return skip(d, opcode == 0xf6 ? 1 : d->operand_size ? 2 : 4);
	}
	if (opcode != 0xff && d->op > 3)
		return true; /* into rax and rdx */
	if (d->mod == 3 && (opcode != 0xf6 || d->rex)) {
		if (d->rm == INSN_REG_SP)
			ret->kind = INSN_LOSE_SP;
		ret->may_write_fp = d->rm == INSN_REG_FP;
	}
	return true;
}

/* The forms of mov, lea, add, sub and cmp that move the stack pointer by a known amount or do not write at all. */
static bool refine(const struct decoder *d, int opcode, size_t immediate_at, struct insn *ret)
{
	int32_t value = 0;
	int8_t byte;

	if (opcode == 0x80 || opcode == 0x81 || opcode == 0x83) {
		if (d->op == 7) { /* cmp */
			ret->kind = INSN_OTHER;
			ret->may_write_fp = false;
			ret->writes = 0;
			return true;
		}
		if (d->mod != 3 || d->rm != INSN_REG_SP || !(d->rex & REX_W) || opcode == 0x80)
			return true;
		if (opcode == 0x83) {
			memcpy(&byte, d->code + immediate_at, 1);
			value = byte;
		} else {
			memcpy(&value, d->code + immediate_at, 4);
		}
		if (d->op != 0 && d->op != 5)
			return true;
		if (d->op == 5 && value == INT32_MIN)
			return false;
		ret->kind = INSN_ADD_SP;
		ret->value = d->op ? -value : value;
		return true;
	}
	if ((opcode | 1) == 0xc7 && d->op) { /* xabort, xbegin */
		ret->writes = INSN_WRITES_ANY;
		return true;
	}
	if ((opcode == 0x31 || opcode == 0x33) && d->mod == 3 && d->reg == INSN_REG_FP &&
		d->rm == INSN_REG_FP) {
		ret->clears_fp = true;
		return true;
	}
	if (opcode == 0x8d && d->is_rip) {
		ret->kind = ret->kind == INSN_LOSE_SP ? INSN_LOSE_SP : INSN_ADDRESS;
		ret->target = (int64_t)d->at + d->displacement;
		return true;
	}
	if (!(d->rex & REX_W))
		return true;
	if (opcode == 0x8d && d->reg == INSN_REG_SP && !d->has_index && d->mod != 3 &&
		(d->base == INSN_REG_SP || d->base == INSN_REG_FP)) {
		ret->kind = d->base == INSN_REG_SP ? INSN_ADD_SP : INSN_SP_FROM_FP;
		ret->value = d->displacement;
	} else if ((opcode == 0x89 || opcode == 0x8b) && d->mod == 3) {
		uint8_t from = opcode == 0x89 ? d->reg : d->rm,
			to = opcode == 0x89 ? d->rm : d->reg;

		if (from == INSN_REG_SP && to == INSN_REG_FP) {
			ret->kind = INSN_FP_FROM_SP;
			ret->may_write_fp = false;
		} else if (from == INSN_REG_FP && to == INSN_REG_SP) {
			ret->kind = INSN_SP_FROM_FP;
		}
	}
	return true;
}

static bool decode_opcode(struct decoder *d, int opcode, struct insn *ret)
{
	uint8_t low = (uint8_t)((opcode & 7) | (d->rex & REX_B ? 8 : 0));

	if (opcode == 0x0f)
		return decode_two_bytes(d, ret);
	if (opcode == 0xc4 || opcode == 0xc5 || opcode == 0x62)
		return decode_vex(d, opcode, ret);
	if (opcode >= 0x50 && opcode <= 0x5f) {
		ret->kind = opcode < 0x58        ? INSN_PUSH
			    : low == INSN_REG_SP ? INSN_LOSE_SP
						 : INSN_POP;
		ret->is_fp = low == INSN_REG_FP;
		ret->writes = 1u << INSN_REG_SP | (opcode < 0x58 ? 0 : 1u << low);
		return !d->operand_size;
	}
	if ((opcode >= 0x70 && opcode <= 0x7f) || (opcode >= 0xe0 && opcode <= 0xe3) ||
		opcode == 0xe8 || opcode == 0xe9 || opcode == 0xeb)
		return decode_branch(d, opcode, ret);
	if (opcode == 0xff || opcode == 0xf6 || opcode == 0xf7 || opcode == 0x8f)
		return decode_unary(d, opcode, ret);
	if (opcode >= 0x90 && opcode <= 0x97) {
		ret->kind = opcode == 0x90 && !d->repeat && !d->rex ? INSN_NOP
			    : low == INSN_REG_SP                    ? INSN_LOSE_SP
								    : INSN_OTHER;
		ret->may_write_fp = low == INSN_REG_FP;
		if (opcode == 0x90 && !(d->rex & REX_B))
			ret->writes = 0; /* nop, pause */
		return true;
	}
	if (opcode >= 0xb0 && opcode <= 0xbf) {
		ret->writes = reg__bit(d, opcode < 0xb8 ? F_BYTE : 0, low);
		if (opcode >= 0xb8 || d->rex) {
			ret->may_write_fp = low == INSN_REG_FP;
			ret->kind = low == INSN_REG_SP ? INSN_LOSE_SP : INSN_OTHER;
		}
		return skip(d, opcode < 0xb8 ? 1 : d->rex & REX_W ? 8 : d->operand_size ? 2 : 4);
	}
	switch (opcode) {
	case 0x68:
	case 0x6a:
		ret->kind = INSN_PUSH;
		return !d->operand_size && skip(d, opcode == 0x68 ? 4 : 1);
	case 0x9c:
	case 0x9d:
		ret->kind = opcode == 0x9c ? INSN_PUSH : INSN_POP;
		return !d->operand_size;
	case 0xc2:
	case 0xc3:
		ret->kind = INSN_RETURN;
		return skip(d, opcode == 0xc2 ? 2 : 0);
	case 0xc9:
		ret->kind = INSN_LEAVE;
		return true;
	case 0xcc:
	case 0xf4:
		ret->kind = INSN_STOP;
		return true;
	default:
		break;
	}
	if (!read_operands(d, insn__one_byte_form(opcode), ret))
		return false;
	return refine(d, opcode, d->at - (opcode == 0x81 ? 4 : 1), ret);
}

bool insn__decode(const uint8_t *code, size_t bytes, struct insn *ret)
{
	struct decoder d = {.code = code, .bytes = bytes < INSN_BYTES_MAX ? bytes : INSN_BYTES_MAX};
	int opcode;

	*ret = (struct insn){.writes = INSN_WRITES_ANY};
	read_prefixes(&d);
	opcode = next(&d);
	if (opcode < 0 || !decode_opcode(&d, opcode, ret))
		return false;
	ret->bytes = (uint8_t)d.at;
	return true;
}

size_t insn__first_push(const uint8_t *code, size_t bytes)
{
	struct insn insn;
	size_t at;

	for (at = 0; insn__decode(code + at, bytes - at, &insn); at += insn.bytes) {
		if (insn.kind == INSN_PUSH && insn.bytes == 1)
			return at;
		if (insn__goes_elsewhere(&insn))
			break;
	}
	return 0;
}
