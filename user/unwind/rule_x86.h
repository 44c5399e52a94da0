/* SPDX-License-Identifier: GPL-2.0 */
/* A row of CFI as the fixed-size rule that BPF applies, on x86-64. */
#ifndef UNWIND_RULE_X86_H
#define UNWIND_RULE_X86_H

#include <stdbool.h>

#include "unwind_rule.h"

struct cfi_state;

/* Where the kernel's rt_sigframe keeps registers, from the start of its ucontext (the kernel's
 * arch/x86/include/uapi/asm/ucontext.h and sigcontext.h). A rule UNWIND_CFA_SIGNAL says that the
 * ucontext starts at rsp + cfa_offset, so
 *	CFA (the interrupted rsp) = *(rsp + cfa_offset + 160)
 *	pc, exact, of the interrupted frame = *(rsp + cfa_offset + 168)
 *	its rbp = *(rsp + cfa_offset + 120)
 * cfa_offset is 0 in a restorer, where the handler's return has popped pretcode. */
#define SIGNAL_UCONTEXT_RBP 120
#define SIGNAL_UCONTEXT_RSP 160
#define SIGNAL_UCONTEXT_RIP 168

/* What one row turned into, for the statistics. */
enum rule_loss {
	RULE_LOSS_NONE,
	RULE_LOSS_FP,  /* rbp's rule cannot be expressed: UNWIND_RBP_UNDEFINED */
	RULE_LOSS_ALL, /* UNWIND_CFA_UNSUPPORTED */
};

/* is_signal: the CIE's augmentation has an 'S'. Every field of *ret_rule that the form does not use
 * is 0. */
enum rule_loss unwind_rule__from_state(
	const struct cfi_state *state, bool is_signal, struct unwind_rule *ret_rule);

#endif
