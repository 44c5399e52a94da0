// SPDX-License-Identifier: GPL-2.0
/* A symbolic evaluator of the DWARF expressions that compilers and assembly files put into CFI. */
#include <dwarf.h>
#include <errno.h>
#include <stdbool.h>

#include "unwind/cursor.h"
#include "unwind/expression.h"

#define STACK_MAX 8

struct stack {
	struct cfi_value values[STACK_MAX];
	unsigned int cnt;
	bool failed; /* the expression is outside what we express */
};

static void push(struct stack *stack, uint8_t kind, uint8_t reg, uint64_t offset)
{
	if (stack->cnt == STACK_MAX) {
		stack->failed = true;
		return;
	}
	stack->values[stack->cnt++] = (struct cfi_value){
		.kind = kind, .reg = reg, .offset = offset};
}

static void push_const(struct stack *stack, uint64_t value)
{
	push(stack, CFI_VALUE_CONST, 0, value);
}

static void push_reg(struct stack *stack, uint64_t reg, int64_t offset)
{
	if (reg >= CFI_REG_CFA)
		stack->failed = true;
	else
		push(stack, CFI_VALUE_LINEAR, reg, offset);
}

static struct cfi_value pop(struct stack *stack)
{
	if (!stack->cnt) {
		stack->failed = true;
		return (struct cfi_value){0};
	}
	return stack->values[--stack->cnt];
}

static void push_value(struct stack *stack, struct cfi_value value)
{
	if (!stack->failed) /* of what was popped there is room for one */
		stack->values[stack->cnt++] = value;
}

/* Addresses wrap as the machine's do, hence unsigned. */
static void add_const(struct stack *stack, struct cfi_value value, uint64_t addend)
{
	if (value.kind == CFI_VALUE_INDEX)
		stack->failed = true;
	else if (value.kind == CFI_VALUE_DEREF)
		value.extra = (uint64_t)value.extra + addend;
	else
		value.offset = (uint64_t)value.offset + addend;
	push_value(stack, value);
}

static void add_index(struct stack *stack, struct cfi_value value, uint8_t index)
{
	if (value.kind != CFI_VALUE_LINEAR || value.has_index)
		stack->failed = true;
	value.has_index = true;
	value.index = index;
	push_value(stack, value);
}

static void add_top(struct stack *stack)
{
	struct cfi_value right = pop(stack);
	struct cfi_value left = pop(stack);

	if (right.kind == CFI_VALUE_CONST)
		add_const(stack, left, right.offset);
	else if (left.kind == CFI_VALUE_CONST)
		add_const(stack, right, left.offset);
	else if (right.kind == CFI_VALUE_INDEX)
		add_index(stack, left, right.reg);
	else
		stack->failed = true;
}

static void subtract_top(struct stack *stack)
{
	struct cfi_value right = pop(stack);
	struct cfi_value left = pop(stack);

	if (right.kind == CFI_VALUE_CONST)
		add_const(stack, left, -(uint64_t)right.offset);
	else
		stack->failed = true;
}

/* Only the index of an array of words: a register times 8. */
static void multiply_top(struct stack *stack)
{
	struct cfi_value right = pop(stack);
	struct cfi_value left = pop(stack);

	if (right.kind != CFI_VALUE_CONST || right.offset != 8 || left.kind != CFI_VALUE_LINEAR ||
		left.offset || left.has_index)
		stack->failed = true;
	left.kind = CFI_VALUE_INDEX;
	push_value(stack, left);
}

static void deref_top(struct stack *stack)
{
	struct cfi_value value = pop(stack);

	if (value.kind != CFI_VALUE_LINEAR)
		stack->failed = true;
	value.kind = CFI_VALUE_DEREF;
	push_value(stack, value);
}

static void step_const(struct stack *stack, struct cursor *c, uint8_t op)
{
	switch (op) {
	case DW_OP_const1u:
	case DW_OP_const2u:
	case DW_OP_const4u:
	case DW_OP_const8u:
		push_const(stack, cursor__uint(c, 1u << ((op - DW_OP_const1u) / 2)));
		break;
	case DW_OP_const1s:
	case DW_OP_const2s:
	case DW_OP_const4s:
	case DW_OP_const8s:
		push_const(stack, cursor__sint(c, 1u << ((op - DW_OP_const1u) / 2)));
		break;
	case DW_OP_constu:
		push_const(stack, cursor__uleb128(c));
		break;
	case DW_OP_consts:
		push_const(stack, cursor__sleb128(c));
		break;
	default:
		stack->failed = true;
	}
}

static void step(struct stack *stack, struct cursor *c)
{
	uint8_t op = cursor__u8(c);
	uint64_t reg;

	if (op >= DW_OP_breg0 && op <= DW_OP_breg31) {
		push_reg(stack, op - DW_OP_breg0, cursor__sleb128(c));
		return;
	}
	if (op >= DW_OP_lit0 && op <= DW_OP_lit31) {
		push_const(stack, op - DW_OP_lit0);
		return;
	}
	switch (op) {
	case DW_OP_bregx:
		reg = cursor__uleb128(c);
		push_reg(stack, reg, cursor__sleb128(c));
		break;
	case DW_OP_deref:
		deref_top(stack);
		break;
	case DW_OP_plus:
		add_top(stack);
		break;
	case DW_OP_minus:
		subtract_top(stack);
		break;
	case DW_OP_mul:
		multiply_top(stack);
		break;
	case DW_OP_plus_uconst:
		push_const(stack, cursor__uleb128(c));
		add_top(stack);
		break;
	case DW_OP_nop:
		break;
	default:
		step_const(stack, c, op);
	}
}

struct cfi_value expression__classify(const uint8_t *expr, size_t len, int has_cfa)
{
	struct cursor c = cursor__new(expr, len);
	struct stack stack = {.cnt = 0};
	struct cfi_value plt;

	if (!has_cfa && !expression__classify_plt(expr, len, &plt))
		return plt;
	if (has_cfa)
		push(&stack, CFI_VALUE_LINEAR, CFI_REG_CFA, 0);
	while (cursor__left(&c) && !stack.failed)
		step(&stack, &c);
	if (stack.failed || c.overrun || !stack.cnt)
		return (struct cfi_value){.kind = CFI_VALUE_UNKNOWN};
	return stack.values[stack.cnt - 1];
}
