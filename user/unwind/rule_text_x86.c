// SPDX-License-Identifier: GPL-2.0
/* An unwind rule as text, for tools/unwind-dump, tests and people. */
#include <stdio.h>

#include "unwind/rule_text.h"

#define CFA_TEXT_BYTES 48
#define REG_TEXT_BYTES 24

static const char *reg_name(unsigned int reg)
{
	static const char *const names[] = {"rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp",
		"r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"};

	return reg < sizeof(names) / sizeof(names[0]) ? names[reg] : "?";
}

static void format_cfa(const struct unwind_rule *rule, char buf[CFA_TEXT_BYTES])
{
	int offset = rule->cfa_offset, extra = rule->cfa_extra;
	const char *reg = reg_name(rule->cfa_reg);

	switch (rule->cfa) {
	case UNWIND_CFA_RSP:
		snprintf(buf, CFA_TEXT_BYTES, "rsp%+d", offset);
		break;
	case UNWIND_CFA_RBP:
		snprintf(buf, CFA_TEXT_BYTES, "rbp%+d", offset);
		break;
	case UNWIND_CFA_REG:
		snprintf(buf, CFA_TEXT_BYTES, "%s%+d", reg, offset);
		break;
	case UNWIND_CFA_RBP_DEREF:
		snprintf(buf, CFA_TEXT_BYTES, "*(rbp%+d)%+d", offset, extra);
		break;
	case UNWIND_CFA_RSP_DEREF:
		snprintf(buf, CFA_TEXT_BYTES, "*(rsp%+d)%+d", offset, extra);
		break;
	case UNWIND_CFA_REG_DEREF:
		snprintf(buf, CFA_TEXT_BYTES, "*(%s%+d)%+d", reg, offset, extra);
		break;
	case UNWIND_CFA_RSP_INDEX_DEREF:
		snprintf(buf, CFA_TEXT_BYTES, "*(rsp+8*%s%+d)%+d", reg, offset, extra);
		break;
	case UNWIND_CFA_PLT:
		snprintf(buf, CFA_TEXT_BYTES, "plt%d", offset);
		break;
	default:
		snprintf(buf, CFA_TEXT_BYTES, "?%u", rule->cfa);
	}
}

static void format_rbp(const struct unwind_rule *rule, char buf[REG_TEXT_BYTES])
{
	switch (rule->rbp) {
	case UNWIND_RBP_SAME:
		snprintf(buf, REG_TEXT_BYTES, "u");
		break;
	case UNWIND_RBP_CFA:
		snprintf(buf, REG_TEXT_BYTES, "c%+d", rule->rbp_offset);
		break;
	case UNWIND_RBP_RBP:
		snprintf(buf, REG_TEXT_BYTES, "*(rbp%+d)", rule->rbp_offset);
		break;
	case UNWIND_RBP_RSP:
		snprintf(buf, REG_TEXT_BYTES, "*(rsp%+d)", rule->rbp_offset);
		break;
	default:
		snprintf(buf, REG_TEXT_BYTES, "lost");
	}
}

static void format_ra(const struct unwind_rule *rule, char buf[REG_TEXT_BYTES])
{
	if (rule->flags & UNWIND_RULE_RA_REGISTER)
		snprintf(buf, REG_TEXT_BYTES, "%s", reg_name(rule->ra_offset));
	else
		snprintf(buf, REG_TEXT_BYTES, "c%+d", rule->ra_offset);
}

static const char *format_rbx(const struct unwind_rule *rule, char buf[REG_TEXT_BYTES])
{
	buf[0] = 0;
	if (rule->flags & UNWIND_RULE_RBX_LOST)
		snprintf(buf, REG_TEXT_BYTES, " rbx=lost");
	else if (unwind_rule__tells_rbx(rule) && rule->cfa_extra)
		snprintf(buf, REG_TEXT_BYTES, " rbx=c%+d", rule->cfa_extra);
	return buf;
}

const char *unwind_rule__text(const struct unwind_rule *rule, char buf[RULE_TEXT_BYTES])
{
	const char *suffix = rule->flags & UNWIND_RULE_SIGNAL_FRAME ? " signal" : "";
	char cfa[CFA_TEXT_BYTES], rbp[REG_TEXT_BYTES], rbx[REG_TEXT_BYTES], ra[REG_TEXT_BYTES];

	switch (rule->cfa) {
	case UNWIND_CFA_NONE:
		snprintf(buf, RULE_TEXT_BYTES, "end");
		return buf;
	case UNWIND_CFA_ROOT:
		snprintf(buf, RULE_TEXT_BYTES, "root");
		return buf;
	case UNWIND_CFA_UNSUPPORTED:
		snprintf(buf, RULE_TEXT_BYTES, "unsupported");
		return buf;
	case UNWIND_CFA_SIGNAL:
		snprintf(buf, RULE_TEXT_BYTES, "sigframe rsp%+d", rule->cfa_offset);
		return buf;
	}
	format_cfa(rule, cfa);
	format_rbp(rule, rbp);
	format_ra(rule, ra);
	snprintf(buf, RULE_TEXT_BYTES, "cfa=%s rbp=%s ra=%s%s%s", cfa, rbp, ra,
		format_rbx(rule, rbx), suffix);
	return buf;
}
