// SPDX-License-Identifier: GPL-2.0
/* A row of CFI as the fixed-size rule that BPF applies, on x86-64. */
#include <dwarf.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "unwind/cfa_program.h"
#include "unwind/registers_x86.h"
#include "unwind/rule_x86.h"

/* binutils' elf_x86_64_eh_frame_plt and lld's, gold's copies: the stub pushes its number at a fixed
 * place in its 16 bytes; only that place differs (11, with endbr64 9 or 10). */
int expression__classify_plt(const uint8_t *expr, size_t len, struct cfi_value *ret_value)
{
	static const uint8_t before[] = {DW_OP_breg7, 8, DW_OP_breg16, 0, DW_OP_lit15, DW_OP_and};
	static const uint8_t after[] = {DW_OP_ge, DW_OP_lit3, DW_OP_shl, DW_OP_plus};
	const uint8_t *threshold = expr + sizeof(before);

	if (len != sizeof(before) + 1 + sizeof(after) || memcmp(expr, before, sizeof(before)) ||
		memcmp(threshold + 1, after, sizeof(after)))
		return -ENOENT;
	if (*threshold < DW_OP_lit0 || *threshold > DW_OP_lit15)
		return -ENOENT;
	*ret_value = (struct cfi_value){.kind = CFI_VALUE_PLT, .offset = *threshold - DW_OP_lit0};
	return 0;
}

/* A register and a constant, no more. */
static bool is_plain(const struct cfi_value *value)
{
	return value->kind == CFI_VALUE_LINEAR && !value->has_index;
}

static bool is_at(const struct cfi_register *reg, uint8_t base, int64_t offset)
{
	return reg->saved == CFI_SAVED_AT && is_plain(&reg->where) && reg->where.reg == base &&
	       reg->where.offset == offset;
}

/* All three registers must lie as in one ucontext: a file's word alone is not trusted with it. */
static bool is_signal_frame(const struct cfi_state *state, int *ret_offset)
{
	const struct cfi_value *cfa = &state->cfa_expression;
	int64_t ucontext;

	if (!state->has_expression || cfa->kind != CFI_VALUE_DEREF || cfa->reg != CFI_REG_SP ||
		cfa->has_index || cfa->extra)
		return false;
	if (cfa->offset != (int32_t)cfa->offset)
		return false;
	ucontext = cfa->offset - SIGNAL_UCONTEXT_RSP;
	if (ucontext != (int32_t)ucontext ||
		!is_at(&state->pc, CFI_REG_SP, ucontext + SIGNAL_UCONTEXT_RIP) ||
		!is_at(&state->fp, CFI_REG_SP, ucontext + SIGNAL_UCONTEXT_RBP))
		return false;
	*ret_offset = ucontext;
	return true;
}

static bool set_indexed_cfa(struct unwind_rule *rule, const struct cfi_value *value)
{
	rule->cfa = UNWIND_CFA_RSP_INDEX_DEREF;
	rule->cfa_reg = value->index;
	return value->kind == CFI_VALUE_DEREF && value->reg == CFI_REG_SP &&
	       value->index < CFI_REG_PC;
}

static bool set_cfa(struct unwind_rule *rule, uint64_t reg, bool is_deref)
{
	if (reg == CFI_REG_SP) {
		rule->cfa = is_deref ? UNWIND_CFA_RSP_DEREF : UNWIND_CFA_RSP;
	} else if (reg == CFI_REG_FP) {
		rule->cfa = is_deref ? UNWIND_CFA_RBP_DEREF : UNWIND_CFA_RBP;
	} else if (reg < CFI_REG_PC) {
		rule->cfa = is_deref ? UNWIND_CFA_REG_DEREF : UNWIND_CFA_REG;
		rule->cfa_reg = reg;
	} else {
		return false;
	}
	return true;
}

static bool convert_cfa(const struct cfi_state *state, struct unwind_rule *rule)
{
	const struct cfi_value *value = &state->cfa_expression;
	struct cfi_value plain;

	if (!state->has_expression) {
		if (state->cfa_reg >= CFI_REG_PC)
			return false;
		plain = (struct cfi_value){.kind = CFI_VALUE_LINEAR,
			.reg = state->cfa_reg,
			.offset = state->cfa_offset};
		value = &plain;
	}
	if (value->offset != (int32_t)value->offset || value->extra != (int16_t)value->extra)
		return false;
	rule->cfa_offset = value->offset;
	rule->cfa_extra = value->extra;
	if (value->kind == CFI_VALUE_PLT) {
		rule->cfa = UNWIND_CFA_PLT;
		return true;
	}
	if (value->has_index)
		return set_indexed_cfa(rule, value);
	return (value->kind == CFI_VALUE_LINEAR || value->kind == CFI_VALUE_DEREF) &&
	       set_cfa(rule, value->reg, value->kind == CFI_VALUE_DEREF);
}

static enum rule_loss convert_fp(const struct cfi_register *fp, struct unwind_rule *rule)
{
	const struct cfi_value *where = &fp->where;

	rule->rbp = UNWIND_RBP_UNDEFINED;
	switch (fp->saved) {
	case CFI_SAVED_UNSPECIFIED: /* the psABI has callees keep rbp, so no rule means no change */
	case CFI_SAVED_SAME:
		rule->rbp = UNWIND_RBP_SAME;
		return RULE_LOSS_NONE;
	case CFI_SAVED_UNDEFINED:
		return RULE_LOSS_NONE;
	}
	if (fp->saved != CFI_SAVED_AT || !is_plain(where) ||
		where->offset != (int32_t)where->offset)
		return RULE_LOSS_FP;
	if (where->reg == CFI_REG_CFA)
		rule->rbp = UNWIND_RBP_CFA;
	else if (where->reg == CFI_REG_FP)
		rule->rbp = UNWIND_RBP_RBP;
	else if (where->reg == CFI_REG_SP)
		rule->rbp = UNWIND_RBP_RSP;
	else
		return RULE_LOSS_FP;
	rule->rbp_offset = where->offset;
	return RULE_LOSS_NONE;
}

/* A rule that needs cfa_extra for itself, and a place that is none below the CFA, leave rbx unknown: a frame above that needs
 * it then ends the walk. */
static void convert_rbx(const struct cfi_register *rbx, struct unwind_rule *rule)
{
	const struct cfi_value *where = &rbx->where;

	if (rbx->saved == CFI_SAVED_UNSPECIFIED || rbx->saved == CFI_SAVED_SAME)
		return;
	if (unwind_rule__tells_rbx(rule) && where->offset < 0 &&
		is_at(rbx, CFI_REG_CFA, (int16_t)where->offset))
		rule->cfa_extra = where->offset;
	else
		rule->flags |= UNWIND_RULE_RBX_LOST;
}

static bool convert_pc(const struct cfi_register *pc, struct unwind_rule *rule)
{
	const struct cfi_value *where = &pc->where;

	if (is_at(pc, CFI_REG_CFA, (int16_t)where->offset)) {
		rule->ra_offset = where->offset;
		return true;
	}
	if (pc->saved != CFI_SAVED_VALUE || !is_plain(where) || where->reg >= CFI_REG_PC ||
		where->offset)
		return false;
	rule->ra_offset = where->reg;
	rule->flags |= UNWIND_RULE_RA_REGISTER;
	return true;
}

static bool is_sp_cfa(const struct cfi_register *sp)
{
	if (sp->saved != CFI_SAVED_AT && sp->saved != CFI_SAVED_VALUE)
		return true;
	return sp->saved == CFI_SAVED_VALUE && is_plain(&sp->where) &&
	       sp->where.reg == CFI_REG_CFA && !sp->where.offset;
}

enum rule_loss unwind_rule__from_state(
	const struct cfi_state *state, bool is_signal, struct unwind_rule *ret_rule)
{
	struct unwind_rule rule = {.flags = is_signal ? UNWIND_RULE_SIGNAL_FRAME : 0};
	enum rule_loss loss = RULE_LOSS_NONE;

	if (state->pc.saved == CFI_SAVED_UNDEFINED) {
		rule = (struct unwind_rule){.cfa = UNWIND_CFA_ROOT};
	} else if (is_signal && is_signal_frame(state, &rule.cfa_offset)) {
		rule.cfa = UNWIND_CFA_SIGNAL;
	} else if (!is_sp_cfa(&state->sp) || !convert_pc(&state->pc, &rule) ||
		   !convert_cfa(state, &rule)) {
		rule = (struct unwind_rule){.cfa = UNWIND_CFA_UNSUPPORTED};
		loss = RULE_LOSS_ALL;
	} else {
		loss = convert_fp(&state->fp, &rule);
		convert_rbx(&state->rbx, &rule);
	}
	*ret_rule = rule;
	return loss;
}
