/* SPDX-License-Identifier: GPL-2.0 */
/* Applying an unwind rule: one or two words of the user's stack a frame. */
#ifndef BPF_STEP_RULE_BPF_H
#define BPF_STEP_RULE_BPF_H

#include "scratch.bpf.h"
#include "unwind_rule.h"
#include "user_memory.bpf.h"

/* No frame's address, and not the null that ends a chain of frame pointers. */
#define FP_UNKNOWN 1

static __always_inline long rule__end(struct walk *walk, u32 end)
{
	walk->end = end;
	return 1;
}

/* The registers that a signal interrupted, from the ucontext on the signal's stack. */
static __always_inline long rule__signal(
	struct walk *walk, struct task_struct *task, struct unwind_rule *rule)
{
	struct signal_regs *regs = &walk->signal_regs;

	if (user__read(task, regs, sizeof(*regs), walk->sp + rule->cfa_offset + SIGNAL_REGS_OFFSET))
		return rule__end(walk, STACK_END_UNREADABLE);
	signal_regs__copy(&walk->regs, regs);
	walk__enter_regs(walk);
	if (!walk->ip)
		return rule__end(walk, STACK_END_BAD_CFA);
	return 0;
}

/* A register other than the stack and frame pointers; false: walk->end says why not. It is known only where the thread was
 * stopped; rbx, in which ld.so's lazy binding keeps its frame, is followed from there. */
static __always_inline bool rule__register(
	struct walk *walk, struct task_struct *task, u32 number, u64 *ret)
{
	walk->end = STACK_END_BAD_RULE;
	if (number == DWARF_REG_RBX && walk->rbx_at != RBX_IN_REGS) {
		if (walk->rbx_at == RBX_LOST)
			return false;
		if (!user__read_word(walk, task, ret, walk->rbx_at))
			return true;
		walk->end = STACK_END_UNREADABLE;
		return false;
	}
	if ((!walk->has_regs && number != DWARF_REG_RBX) || number >= USER_REGS_DWARF_CNT)
		return false;
	*ret = walk->regs.dwarf[number];
	return true;
}

/* The canonical frame address. False: walk->end says why not. */
static __always_inline bool rule__cfa(
	struct walk *walk, struct task_struct *task, struct unwind_rule *rule, u64 *ret)
{
	u64 base, cfa;

	walk->end = STACK_END_BAD_RULE;
	switch (rule->cfa) {
	case UNWIND_CFA_RSP:
		*ret = walk->sp + (s64)rule->cfa_offset;
		return true;
	case UNWIND_CFA_RBP:
		*ret = walk->fp + (s64)rule->cfa_offset;
		return true;
	case UNWIND_CFA_REG:
		if (!rule__register(walk, task, rule->cfa_reg, &base))
			return false;
		*ret = base + (s64)rule->cfa_offset;
		return true;
	case UNWIND_CFA_PLT:
		*ret = walk->sp + 8 + ((walk->ip & 15) >= (u64)rule->cfa_offset ? 8 : 0);
		return true;
	case UNWIND_CFA_RBP_DEREF:
		base = walk->fp;
		break;
	case UNWIND_CFA_RSP_DEREF:
		base = walk->sp;
		break;
	case UNWIND_CFA_REG_DEREF:
		if (!rule__register(walk, task, rule->cfa_reg, &base))
			return false;
		break;
	case UNWIND_CFA_RSP_INDEX_DEREF:
		if (!rule__register(walk, task, rule->cfa_reg, &base))
			return false;
		base = walk->sp + 8 * base;
		break;
	default:
		return false;
	}
	if (user__read_word(walk, task, &cfa, base + (s64)rule->cfa_offset)) {
		walk->end = STACK_END_UNREADABLE;
		return false;
	}
	*ret = cfa + (s64)rule->cfa_extra;
	return true;
}

/* The caller's frame pointer. 0 or 1. */
static __always_inline long rule__restore_fp(
	struct walk *walk, struct task_struct *task, struct unwind_rule *rule, u64 cfa)
{
	u64 at;

	if (rule->rbp == UNWIND_RBP_SAME)
		return 0;
	if (rule->rbp == UNWIND_RBP_UNDEFINED) {
		walk->fp = FP_UNKNOWN;
		return 0;
	}
	at = rule->rbp == UNWIND_RBP_CFA ? cfa : rule->rbp == UNWIND_RBP_RBP ? walk->fp : walk->sp;
	if (user__read_word(walk, task, &walk->fp, at + (s64)rule->rbp_offset))
		return rule__end(walk, STACK_END_UNREADABLE);
	return 0;
}

static __always_inline void rule__follow_rbx(struct walk *walk, struct unwind_rule *rule, u64 cfa)
{
	if (rule->flags & UNWIND_RULE_RBX_LOST)
		walk->rbx_at = RBX_LOST;
	else if (unwind_rule__tells_rbx(rule) && rule->cfa_extra)
		walk->rbx_at = cfa + (s64)rule->cfa_extra;
}

/* The caller's frame pointer and the return address, in this order: most code saves the first below the other, and one read
 * brings both. 0 or 1. */
static __always_inline long rule__restore(
	struct walk *walk, struct task_struct *task, struct unwind_rule *rule, u64 cfa)
{
	if (rule__restore_fp(walk, task, rule, cfa))
		return 1;
	if (rule->flags & UNWIND_RULE_RA_REGISTER) {
		if (!rule__register(walk, task, rule->ra_offset, &walk->ip))
			return 1;
	} else if (user__read_word(walk, task, &walk->ip, cfa + (s64)rule->ra_offset)) {
		return rule__end(walk, STACK_END_UNREADABLE);
	}
	return 0;
}

/* 0, or 1 when the walk is over. */
static __always_inline long step__rule(
	struct walk *walk, struct task_struct *task, struct unwind_rule *rule)
{
	u64 cfa;

	if (rule->cfa == UNWIND_CFA_ROOT)
		return 1;
	if (rule->cfa == UNWIND_CFA_SIGNAL)
		return rule__signal(walk, task, rule);
	if (!rule__cfa(walk, task, rule, &cfa))
		return 1;
	/* A caller's frame lies above, or the walk would not end. */
	if (cfa <= walk->sp)
		return rule__end(walk, STACK_END_BAD_CFA);
	if (rule__restore(walk, task, rule, cfa))
		return 1;
	rule__follow_rbx(walk, rule, cfa);
	walk->sp = cfa;
	walk->exact = rule->flags & UNWIND_RULE_SIGNAL_FRAME;
	walk->has_regs = 0;
	walk->end = STACK_END_ROOT;
	/* Thread start code of some libraries pushes a null return address instead of saying "undefined". */
	return !walk->ip;
}

#endif
