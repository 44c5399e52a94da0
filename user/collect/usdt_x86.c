// SPDX-License-Identifier: GPL-2.0
/* Arguments of statically defined probes as x86-64's assembler writes operands. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collect/usdt.h"

#define REGISTERS 16

/* By DWARF's number, in 64, 32, 16 and 8 bits. */
static const char *const register_names[REGISTERS][4] = {
	{"rax", "eax", "ax", "al"},
	{"rdx", "edx", "dx", "dl"},
	{"rcx", "ecx", "cx", "cl"},
	{"rbx", "ebx", "bx", "bl"},
	{"rsi", "esi", "si", "sil"},
	{"rdi", "edi", "di", "dil"},
	{"rbp", "ebp", "bp", "bpl"},
	{"rsp", "esp", "sp", "spl"},
	{"r8", "r8d", "r8w", "r8b"},
	{"r9", "r9d", "r9w", "r9b"},
	{"r10", "r10d", "r10w", "r10b"},
	{"r11", "r11d", "r11w", "r11b"},
	{"r12", "r12d", "r12w", "r12b"},
	{"r13", "r13d", "r13w", "r13b"},
	{"r14", "r14d", "r14w", "r14b"},
	{"r15", "r15d", "r15w", "r15b"},
};

/* Reads "%NAME" and moves on past it. The register; -1: it is none. */
static int register__parse(const char **at)
{
	size_t len;
	int reg, width;

	if (**at != '%')
		return -1;
	len = strcspn(*at + 1, ",) ");
	for (reg = 0; reg < REGISTERS; reg++) {
		for (width = 0; width < 4; width++) {
			const char *name = register_names[reg][width];

			if (strlen(name) != len || strncmp(name, *at + 1, len))
				continue;
			*at += 1 + len;
			return reg;
		}
	}
	return -1;
}

/* "(%REG)", "(%REG,%REG)", "(%REG,%REG,SCALE)", "(,%REG,SCALE)" */
static int memory__parse(const char **at, struct usdt_argument *ret)
{
	int reg = -1, index = -1;
	long scale = 1;
	char *end;

	if (**at != '(')
		return -EINVAL;
	++*at;
	if (**at == '%' && (reg = register__parse(at)) < 0)
		return -EINVAL;
	if (**at == ',') {
		++*at;
		index = register__parse(at);
		if (index < 0)
			return -EINVAL;
	}
	if (**at == ',') {
		scale = strtol(*at + 1, &end, 10);
		*at = end;
	}
	if (**at != ')' || (reg < 0 && index < 0) ||
		(scale != 1 && scale != 2 && scale != 4 && scale != 8))
		return -EINVAL;
	++*at;
	ret->kind = USDT_MEMORY;
	ret->reg = reg < 0 ? USDT_NO_REGISTER : (uint8_t)reg;
	ret->index = index < 0 ? USDT_NO_REGISTER : (uint8_t)index;
	ret->scale = (uint8_t)scale;
	return 0;
}

/* "$N", "%REG", "N(...)"; a symbol's name in front of "(%rip)" is not known here. */
static int operand__parse(const char **at, struct usdt_argument *ret)
{
	char *end;
	int reg;

	ret->reg = ret->index = USDT_NO_REGISTER;
	if (**at == '%') {
		reg = register__parse(at);
		ret->kind = USDT_REGISTER;
		ret->reg = (uint8_t)reg;
		return reg < 0 ? -EINVAL : 0;
	}
	if (**at == '$') {
		ret->kind = USDT_CONSTANT;
		errno = 0;
		ret->offset = strtoll(*at + 1, &end, 0);
		if (end == *at + 1 || errno)
			return -EINVAL;
		*at = end;
		return 0;
	}
	if (**at != '(') {
		errno = 0;
		ret->offset = strtoll(*at, &end, 0);
		if (end == *at || errno)
			return -EINVAL;
		*at = end;
	}
	return memory__parse(at, ret);
}

/* "SIZE@OPERAND" */
static int argument__parse(const char **at, struct usdt_argument *ret)
{
	char *end;
	long bytes = strtol(*at, &end, 10);
	int err;

	*ret = (struct usdt_argument){0};
	ret->is_signed = bytes < 0;
	bytes = labs(bytes);
	if (end == *at || *end != '@' || (bytes != 1 && bytes != 2 && bytes != 4 && bytes != 8))
		return -EINVAL;
	ret->bytes = (uint8_t)bytes;
	*at = end + 1;
	err = operand__parse(at, ret);
	return err ? err : **at && **at != ' ' ? -EINVAL : 0;
}

int usdt_x86__parse(const char *text, struct usdt_arguments *ret)
{
	int cnt = 0, err;

	*ret = (struct usdt_arguments){0};
	for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
		if (cnt >= USDT_ARGUMENTS_MAX) {
			text += strcspn(text, " ");
			cnt++;
			continue;
		}
		err = argument__parse(&text, &ret->arguments[cnt]);
		if (err)
			return err;
		cnt++;
	}
	return cnt;
}
