// SPDX-License-Identifier: GPL-2.0
/* How x86-64 instructions change what is known of a frame. */
#include "unwind/frame_state_x86.h"

#define WORD 8 /* the return address, and what a push stores */

static void lose_fp(struct frame_state *state)
{
	state->fp_height = 0;
	if (!state->fp_saved)
		state->fp_lost = 1;
}

/* rsp went up: what lies below it is no longer the frame's. */
static bool shrink(struct frame_state *state, int32_t bytes)
{
	if (!state->height)
		return true;
	if (bytes > FRAME_HEIGHT_MAX || bytes < -FRAME_HEIGHT_MAX)
		return false;
	state->height -= bytes;
	if (state->height < WORD || state->height > FRAME_HEIGHT_MAX)
		return false;
	if (state->fp_saved > state->height) {
		state->fp_saved = 0;
		lose_fp(state);
	}
	return true;
}

static bool pop(struct frame_state *state, bool is_fp)
{
	bool restores = is_fp && state->height && state->fp_saved == state->height;

	if (restores) {
		state->fp_saved = 0;
		state->fp_height = 0;
		state->fp_lost = 0;
	} else if (is_fp) {
		lose_fp(state);
	}
	return shrink(state, WORD);
}

static bool push(struct frame_state *state, bool is_fp)
{
	if (!shrink(state, -WORD))
		return false;
	if (is_fp && state->height && !state->fp_saved && !state->fp_lost)
		state->fp_saved = state->height;
	return true;
}

bool frame_state__apply(struct frame_state *state, const struct insn *insn)
{
	switch (insn->kind) {
	case INSN_PUSH:
		return push(state, insn->is_fp);
	case INSN_POP:
		return pop(state, insn->is_fp);
	case INSN_ADD_SP:
		return shrink(state, insn->value);
	case INSN_FP_FROM_SP:
		lose_fp(state);
		state->fp_height = state->height;
		return true;
	case INSN_SP_FROM_FP:
		if (!state->fp_height) {
			state->height = 0;
			return true;
		}
		state->height = state->fp_height;
		return shrink(state, insn->value);
	case INSN_LEAVE:
		if (!state->fp_height)
			return false;
		state->height = state->fp_height;
		return pop(state, true);
	case INSN_LOSE_SP:
		state->height = 0;
		break;
	default:
		break;
	}
	if (insn->may_write_fp)
		lose_fp(state);
	return true;
}

bool frame_state__meet(struct frame_state *state, const struct frame_state *other)
{
	/* One way may have left the stack pointer to a frame pointer that both have. */
	bool heights_differ = state->height != other->height;

	if (state->kind != other->kind || state->fp_saved != other->fp_saved ||
		(heights_differ && state->height && other->height))
		return false;
	if (heights_differ)
		state->height = 0;
	if (state->fp_height != other->fp_height)
		state->fp_height = 0;
	state->fp_lost |= other->fp_lost;
	return frame_state__is_known(state);
}

bool frame_state__is_known(const struct frame_state *state)
{
	return state->height || state->fp_height || state->kind;
}

void frame_state__rule(const struct frame_state *state, struct unwind_rule *ret)
{
	*ret = (struct unwind_rule){.cfa = state->kind};
	if (state->kind)
		return;
	ret->ra_offset = -WORD;
	ret->flags = UNWIND_RULE_RBX_LOST; /* it is not followed here */
	ret->cfa = state->height ? UNWIND_CFA_RSP : UNWIND_CFA_RBP;
	ret->cfa_offset = state->height ? state->height : state->fp_height;
	if (state->fp_saved) {
		ret->rbp = UNWIND_RBP_CFA;
		ret->rbp_offset = -state->fp_saved;
	} else {
		ret->rbp = state->fp_lost ? UNWIND_RBP_UNDEFINED : UNWIND_RBP_SAME;
	}
}
