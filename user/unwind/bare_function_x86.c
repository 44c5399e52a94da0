// SPDX-License-Identifier: GPL-2.0
/* Follows the instructions of one function, and tells whether it is to be believed. */
#include "unwind/bare_private.h"

static bool run__is_over(struct bare_code *bare)
{
	return !bare->run.pending_cnt || bare->run.contradicts;
}

static void run__contradict(struct bare_code *bare)
{
	bare->run.contradicts = true;
}

/* The instruction at `at`, which was reached before, is reached with another state. */
static void run__meet(struct bare_code *bare, uint32_t at, uint16_t state)
{
	struct run *run = &bare->run;
	struct frame_state met = bare->states[bare->current[at] - 1].state;
	uint32_t i;

	if (state == NO_STATE || !frame_state__meet(&met, &bare->states[state].state)) {
		run__contradict(bare);
		return;
	}
	state = bare_code__state(bare, &met);
	if (bare->current[at] == state + 1)
		return;
	for (i = 0; run->visits[i].at != at; i++)
		;
	if (state == NO_STATE || run->pending_cnt == PENDING_MAX) {
		run__contradict(bare);
		return;
	}
	bare->current[at] = state + 1; /* less is known: followed once more */
	run->pending[run->pending_cnt++] = i;
}

/* The instruction at `at` is reached with this state. */
static void run__reach(struct bare_code *bare, uint32_t at, uint16_t state)
{
	struct run *run = &bare->run;

	if (bare->current[at]) {
		if (bare->current[at] != state + 1)
			run__meet(bare, at, state);
		return;
	}
	if (state == NO_STATE || run->pending_cnt == PENDING_MAX || run->visit_cnt == VISITS_MAX) {
		run__contradict(bare);
		return;
	}
	bare->current[at] = state + 1;
	run->pending[run->pending_cnt++] = run->visit_cnt;
	run->visits[run->visit_cnt++] = (struct visit){.at = at};
}

static bool state__is_entry(const struct frame_state *state)
{
	return state->height == 8 && !state->fp_saved && !state->fp_lost;
}

/* A jump that may leave the function: then the stack has to be as it was at its start. */
static void run__jump(struct bare_code *bare, struct visit *visit, uint64_t address,
	const struct frame_state *state)
{
	uint32_t at;
	bool leaves = !gaps__find(&bare->gaps, address, &at) || bare->is_function[at];

	if (leaves) {
		visit->returns = true;
		if (!state__is_entry(state))
			run__contradict(bare);
		return;
	}
	visit->target = at + 1;
	run__reach(bare, at, bare_code__state(bare, state));
}

void bare_code__on_call(struct bare_code *bare, uint64_t address)
{
	uint32_t at;

	if (!gaps__find(&bare->gaps, address, &at) || bare->is_function[at])
		return;
	bare->is_function[at] = 1;
	gap_list__add(&bare->found[FOUND_BY_CALL], at);
}

/* What follows an instruction. */
static void run__fall(struct bare_code *bare, struct visit *visit, const struct insn *insn,
	const struct frame_state *state)
{
	uint32_t next = visit->at + insn->bytes;
	struct insn after;

	if (!gaps__is_same(&bare->gaps, visit->at, next)) {
		if (insn->kind != INSN_CALL)
			run__contradict(bare);
		return;
	}
	if (insn->kind == INSN_CALL &&
		(bare->is_function[next] ||
			(gaps__decode(&bare->gaps, next, &after) && after.kind == INSN_NOP)))
		return; /* it does not return */
	if (bare->is_function[next]) {
		visit->returns = true;
		if (!state__is_entry(state))
			run__contradict(bare);
		return;
	}
	visit->next = next + 1;
	run__reach(bare, next, bare_code__state(bare, state));
}

/* The child of clone(2) clears rbp and takes what lies where a return address would: nobody called it (musl, clone.s). */
static bool starts_thread(struct bare_code *bare, uint32_t at, const struct insn *insn,
	const struct frame_state *state)
{
	struct insn after;

	return insn->clears_fp && state__is_entry(state) &&
	       gaps__decode(&bare->gaps, at + insn->bytes, &after) && after.kind == INSN_POP;
}

/* What an instruction says of others. */
static void run__note(struct bare_code *bare, uint64_t address, const struct insn *insn)
{
	uint32_t target;

	if (insn->kind == INSN_ADDRESS &&
		gaps__find(&bare->gaps, address + (uint64_t)insn->target, &target))
		gap_list__add(&bare->found[FOUND_BY_ADDRESS], target);
	if (insn->kind == INSN_CALL && insn->has_target)
		bare_code__on_call(bare, address + (uint64_t)insn->target);
}

static void run__step(struct bare_code *bare)
{
	struct visit *visit = &bare->run.visits[bare->run.pending[--bare->run.pending_cnt]];
	struct frame_state state = bare->states[bare->current[visit->at] - 1].state;
	uint64_t address = gaps__address(&bare->gaps, visit->at);
	struct insn insn;
	uint32_t target;

	if (!gaps__decode(&bare->gaps, visit->at, &insn)) {
		run__contradict(bare);
		return;
	}
	if (!state.kind && starts_thread(bare, visit->at, &insn, &state)) {
		state = bare->states[STATE_ROOT].state;
		bare->current[visit->at] = STATE_ROOT + 1;
	}
	run__note(bare, address, &insn);
	if (!state.kind && !frame_state__apply(&state, &insn)) {
		run__contradict(bare);
		return;
	}
	visit->is_doubtful = insn.kind == INSN_CALL && insn.has_target &&
			     !(gaps__find(&bare->gaps, address + (uint64_t)insn.target, &target) &&
				     bare->has_return[target]);
	if (insn.kind == INSN_RETURN || (insn.kind == INSN_JUMP && !insn.has_target)) {
		/* A jump by a table stays in the function; it is not followed. */
		visit->returns = state.kind || state__is_entry(&state);
		if (!visit->returns && insn.kind == INSN_RETURN)
			run__contradict(bare);
		return;
	}
	if (insn.kind == INSN_STOP) {
		visit->returns = state.kind;
		return;
	}
	if (insn.has_target && insn.kind != INSN_CALL)
		run__jump(bare, visit, address + (uint64_t)insn.target, &state);
	if (insn.kind != INSN_JUMP && frame_state__is_known(&state))
		run__fall(bare, visit, &insn, &state);
}

/* From where a return is reached. */
static void run__mark_returning(struct bare_code *bare)
{
	struct run *run = &bare->run;
	bool changes = true;
	uint32_t i, pass;

	for (pass = 0; changes && pass < PASSES_MAX; pass++) {
		changes = false;
		for (i = run->visit_cnt; i-- > 0;) {
			const struct visit *visit = &run->visits[i];
			uint8_t *mark = &bare->marks[visit->at];

			if (*mark & MARK_RETURNS ||
				!(visit->returns ||
					(visit->next &&
						bare->marks[visit->next - 1] & MARK_RETURNS) ||
					(visit->target &&
						bare->marks[visit->target - 1] & MARK_RETURNS)))
				continue;
			*mark |= MARK_RETURNS;
			run->returns = true;
			changes = true;
		}
	}
}

static bool mark__sure(struct bare_code *bare, const struct visit *visit, uint32_t next)
{
	uint8_t *mark = &bare->marks[next];

	if (*mark || visit->is_doubtful || !bare->marks[visit->at])
		return false;
	*mark |= MARK_SURE;
	return true;
}

/* Where nothing returns, what stands behind a call may belong to another function: abort() ends many. */
static void run__mark_sure(struct bare_code *bare, uint32_t start)
{
	struct run *run = &bare->run;
	bool changes = true;
	uint32_t i, pass;

	bare->marks[start] |= MARK_SURE;
	for (pass = 0; changes && pass < PASSES_MAX; pass++) {
		changes = false;
		for (i = 0; i < run->visit_cnt; i++) {
			const struct visit *visit = &run->visits[i];

			if (visit->next)
				changes |= mark__sure(bare, visit, visit->next - 1);
			if (visit->target)
				changes |= mark__sure(bare, visit, visit->target - 1);
		}
	}
}

/* A function that never returns is taken for one if it begins as compilers let them begin. */
static bool begins_as_function(struct bare_code *bare, uint32_t at)
{
	struct insn insn;

	if (gaps__address(&bare->gaps, at) % 16 || !gaps__decode(&bare->gaps, at, &insn))
		return false;
	return insn.kind == INSN_PUSH || (insn.kind == INSN_ADD_SP && insn.value < 0);
}

static bool run__is_believed(const struct bare_code *bare)
{
	const struct run *run = &bare->run;
	uint32_t i, at;

	if (run->contradicts)
		return false;
	for (i = 0; i < run->visit_cnt; i++) {
		at = run->visits[i].at;
		if (bare->committed[at] && bare->committed[at] != bare->current[at])
			return false;
	}
	return true;
}

static void run__end(struct bare_code *bare, uint32_t start, unsigned int found)
{
	struct run *run = &bare->run;
	bool is_believed;
	uint32_t i, at;

	run__mark_returning(bare);
	is_believed = run__is_believed(bare) &&
		      (run->returns || found == FOUND_BY_SYMBOL || begins_as_function(bare, start));
	if (is_believed && !run->returns && found != FOUND_AGAIN)
		gap_list__add(&bare->found[FOUND_AGAIN], start);
	if (is_believed) {
		bare->has_return[start] = bare->marks[start] & MARK_RETURNS;
		run__mark_sure(bare, start);
	}
	for (i = 0; i < run->visit_cnt; i++) {
		at = run->visits[i].at;
		if (is_believed && bare->marks[at])
			bare->committed[at] = bare->current[at];
		bare->current[at] = 0;
		bare->marks[at] = 0;
	}
	if (found == FOUND_AGAIN)
		return;
	bare->stats.function_cnt += is_believed;
	bare->stats.refused_cnt += !is_believed;
}

uint32_t bare_code__follow(struct bare_code *bare, uint32_t start, unsigned int found)
{
	uint32_t insn_cnt = 0;

	bare->run.pending_cnt = bare->run.visit_cnt = 0;
	bare->run.returns = bare->run.contradicts = false;
	run__reach(bare, start, bare_code__state(bare, &FRAME_STATE_ENTRY));
	for (; !run__is_over(bare); insn_cnt++)
		run__step(bare);
	run__end(bare, start, found);
	return insn_cnt;
}
