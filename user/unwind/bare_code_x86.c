// SPDX-License-Identifier: GPL-2.0
/* Rows for code that has no call frame information: all functions that are found, then a table of both kinds of rows. */
#include "unwind/bare_code.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "unwind/bare_private.h"

uint16_t bare_code__state(struct bare_code *bare, const struct frame_state *state)
{
	uint32_t hash = (uint32_t)state->height * 31 + (uint32_t)state->fp_height * 17 +
			(uint32_t)state->fp_saved * 7 + state->fp_lost + state->kind * 3u;
	uint16_t *bucket = &bare->buckets[(hash * 2654435761u) >> 20], id;

	for (id = *bucket; id; id = bare->states[id].next)
		if (!memcmp(&bare->states[id].state, state, sizeof(*state)))
			return id;
	if (bare->state_cnt == STATES_MAX)
		return NO_STATE;
	id = bare->state_cnt++;
	bare->states[id] = (struct state_entry){.state = *state, .next = *bucket};
	*bucket = id;
	return id;
}

static void begin(struct bare_code *bare)
{
	uint32_t i;

	for (i = 0; i < bare->found[FOUND_BY_SYMBOL].cnt; i++)
		bare->is_function[bare->found[FOUND_BY_SYMBOL].items[i]] = 1;
	for (i = 0; i < bare->found[FOUND_BY_CALL].cnt; i++)
		bare->is_function[bare->found[FOUND_BY_CALL].items[i]] = 1;
	bare_code__mark_known(bare);
	bare->is_begun = true;
}

/* The next function that was found, the surest first. */
static bool next_function(struct bare_code *bare, uint32_t *ret_at, unsigned int *ret_found)
{
	unsigned int kind;

	for (kind = 0; kind < FOUND_CNT; kind++) {
		while (bare->done[kind] < bare->found[kind].cnt) {
			*ret_at = bare->found[kind].items[bare->done[kind]++];
			*ret_found = kind;
			if (kind != FOUND_AGAIN &&
				(bare->is_tried[*ret_at] || bare->committed[*ret_at]))
				continue;
			bare->is_tried[*ret_at] = 1;
			return true;
		}
	}
	return false;
}

int bare_code__step(struct bare_code *bare, uint32_t insn_cnt)
{
	uint32_t start, cnt = 0, taken;
	unsigned int found;

	if (!bare->gaps.byte_cnt)
		return 0;
	if (!bare->is_begun)
		begin(bare);
	while (cnt < insn_cnt && bare->insn_max && next_function(bare, &start, &found)) {
		taken = bare_code__follow(bare, start, found);
		bare->insn_max -= taken < bare->insn_max ? taken : bare->insn_max;
		cnt += taken;
	}
	return cnt >= insn_cnt;
}

static int add_row(struct bare_code *bare, struct unwind_table_builder *builder, uint32_t at)
{
	uint16_t state = bare->committed[at], id = UNWIND_RULE_ID_NONE;
	struct unwind_rule rule;
	int err = 0;

	if (state) {
		frame_state__rule(&bare->states[state - 1].state, &rule);
		err = unwind_rules__add(bare->rules, &rule, &id);
	}
	if (err == -ENOSPC)
		return 0;
	bare->stats.row_cnt++;
	return err ? err : unwind_table_builder__add(builder, gaps__address(&bare->gaps, at), id);
}

/* The rows of one gap; it ends with what follows it. */
static int add_gap(struct bare_code *bare, struct unwind_table_builder *builder, uint32_t gap)
{
	const struct gap *item = &bare->gaps.items[gap];
	uint32_t at = item->first, end = at + (uint32_t)(item->end - item->start), covered = at;
	struct insn insn;
	int err = 0;

	for (; at < end && !err; at++) {
		if (bare->committed[at]) {
			if (!gaps__decode(&bare->gaps, at, &insn))
				insn.bytes = 1;
			err = add_row(bare, builder, at);
			covered = at + insn.bytes;
		} else if (at == covered) {
			err = add_row(bare, builder, at);
		}
	}
	return err;
}

int bare_code__finish(struct bare_code *bare, struct unwind_table **ret_table)
{
	struct unwind_table_iter iter = {.table = bare->table};
	struct unwind_table_builder builder;
	uint32_t gap = 0;
	uint64_t address;
	uint16_t rule, root;
	int err;

	*ret_table = NULL;
	if (!bare->gaps.byte_cnt)
		return 0;
	err = unwind_rules__add(bare->rules, &(struct unwind_rule){.cfa = UNWIND_CFA_ROOT}, &root);
	if (!err)
		err = unwind_table_builder__open(&builder, UINT32_MAX);
	if (err)
		return err;
	while (!err && unwind_table_iter__next(&iter, &address, &rule)) {
		while (!err && gap < bare->gaps.cnt && bare->gaps.items[gap].start < address)
			err = add_gap(bare, &builder, gap++);
		if (!err)
			err = unwind_table_builder__add(&builder, address,
				bare_code__is_context(bare, address) ? root : rule);
	}
	for (; !err && gap < bare->gaps.cnt; gap++) {
		err = add_gap(bare, &builder, gap);
		if (!err)
			err = unwind_table_builder__add(
				&builder, bare->gaps.items[gap].end, UNWIND_RULE_ID_NONE);
	}
	if (!err)
		err = unwind_table_builder__finish(&builder, ret_table);
	unwind_table_builder__close(&builder);
	return err;
}

static int alloc(struct bare_code *bare)
{
	size_t cnt = bare->gaps.byte_cnt;

	bare->committed = calloc(cnt, sizeof(*bare->committed));
	bare->current = calloc(cnt, sizeof(*bare->current));
	bare->marks = calloc(cnt, 1);
	bare->is_function = calloc(cnt, 1);
	bare->is_tried = calloc(cnt, 1);
	bare->has_return = calloc(cnt, 1);
	bare->insn_max = cnt * INSNS_A_BYTE;
	bare->states = calloc(STATES_MAX, sizeof(*bare->states));
	if (!bare->committed || !bare->current || !bare->marks || !bare->is_function ||
		!bare->is_tried || !bare->has_return || !bare->states)
		return -ENOMEM;
	bare->states[STATE_ROOT].state.kind = UNWIND_CFA_ROOT;
	bare->states[STATE_SIGNAL].state.kind = UNWIND_CFA_SIGNAL;
	bare->state_cnt = STATE_SIGNAL + 1;
	return 0;
}

struct bare_code *bare_code__new(const struct elf_source *source, const struct elf_frames *frames,
	const struct unwind_table *table, struct unwind_rules *rules, uint32_t max_bytes)
{
	struct bare_code *bare = calloc(1, sizeof(*bare));

	if (!bare)
		return NULL;
	bare->table = table;
	bare->rules = rules;
	bare->entry = frames->entry;
	bare->context_cnt = code__find_contexts(source, frames, bare->contexts, CONTEXTS_MAX);
	/* A file that cannot be read, or that contradicts itself, has no such rows. */
	if (gaps__read(
		    &bare->gaps, source, frames, table, bare_code__starts_stack, bare, max_bytes) ||
		!bare->gaps.byte_cnt)
		return bare;
	bare->stats.bytes = bare->gaps.byte_cnt;
	if (alloc(bare)) {
		bare_code__free(bare);
		return NULL;
	}
	gaps__find_symbols(
		&bare->gaps, source, &bare->found[FOUND_BY_SYMBOL], &bare->found[FOUND_BY_CALL]);
	if (bare->gaps.byte_cnt > CALLED_BYTES_MIN)
		gaps__find_calls(&bare->gaps, source, frames, &bare->found[FOUND_BY_CALL]);
	return bare;
}

void bare_code__free(struct bare_code *bare)
{
	unsigned int i;

	if (!bare)
		return;
	gaps__close(&bare->gaps);
	for (i = 0; i < FOUND_CNT; i++)
		gap_list__close(&bare->found[i]);
	free(bare->committed);
	free(bare->current);
	free(bare->marks);
	free(bare->is_function);
	free(bare->is_tried);
	free(bare->has_return);
	free(bare->states);
	free(bare);
}

const struct bare_code_stats *bare_code__stats(const struct bare_code *bare)
{
	return &bare->stats;
}
