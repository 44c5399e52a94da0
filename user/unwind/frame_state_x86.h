/* SPDX-License-Identifier: GPL-2.0 */
/* What is known of a frame between two instructions, for code without call frame information. */
#ifndef UNWIND_FRAME_STATE_X86_H
#define UNWIND_FRAME_STATE_X86_H

#include <stdbool.h>
#include <stdint.h>

#include "unwind/insn_x86.h"
#include "unwind_rule.h"

#define FRAME_HEIGHT_MAX (1 << 24)

struct frame_state {
	int32_t height;    /* CFA = rsp + height; 0: not known */
	int32_t fp_height; /* CFA = rbp + fp_height; 0: rbp is no frame pointer */
	int32_t fp_saved;  /* the caller's rbp is at CFA - fp_saved; 0: nowhere in memory */
	uint8_t fp_lost;   /* nor in the register */
	uint8_t kind; /* enum unwind_cfa: 0, or UNWIND_CFA_ROOT or UNWIND_CFA_SIGNAL of code that says so */
	uint16_t pad;
};

/* At a function's first instruction. */
#define FRAME_STATE_ENTRY ((struct frame_state){.height = 8})

/* What instruction insn makes of state. False: no function does that to its frame. */
bool frame_state__apply(struct frame_state *state, const struct insn *insn);
/* What holds where two ways meet. False: they contradict each other. */
bool frame_state__meet(struct frame_state *state, const struct frame_state *other);
/* Whether the caller's frame can be told. */
bool frame_state__is_known(const struct frame_state *state);
void frame_state__rule(const struct frame_state *state, struct unwind_rule *ret);

#endif
