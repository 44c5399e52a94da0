// SPDX-License-Identifier: GPL-2.0
/* Runs FDEs in the order of their addresses and puts their rows into a table. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "unwind/fde_rows.h"
#include "unwind/rule_x86.h"

#define CACHE_CNT 256

static const char too_many_rows[] = "too many rows";

struct cached_rule {
	struct unwind_rule rule;
	uint16_t id;
};

struct fde_rows {
	const struct cfi_limits *limits;
	struct cfi_stats *stats;
	struct unwind_rules *rules;
	uint32_t own_rule_cnt; /* that this file added */
	struct unwind_table_builder builder;
	struct cfi_state *stack;
	/* The file's last rules by hash: most rows repeat one, and the big table is slow to ask. Id
	 * 0 with a rule of all 0 is right as it stands: UNWIND_RULE_ID_NONE. */
	struct cached_rule cache[CACHE_CNT];
	const struct fde *fde; /* that runs */
	const char *reason;
};

struct fde_rows *fde_rows__new(
	const struct cfi_limits *limits, struct cfi_stats *stats, struct unwind_rules *rules)
{
	struct fde_rows *rows = calloc(1, sizeof(*rows));

	if (!rows)
		return NULL;
	rows->limits = limits;
	rows->stats = stats;
	rows->rules = rules;
	rows->stack = calloc(limits->state_stack_cnt, sizeof(*rows->stack));
	if (!rows->stack || unwind_table_builder__open(&rows->builder, limits->row_cnt)) {
		fde_rows__free(rows);
		return NULL;
	}
	return rows;
}

void fde_rows__free(struct fde_rows *rows)
{
	if (!rows)
		return;
	unwind_table_builder__close(&rows->builder);
	free(rows->stack);
	free(rows);
}

/* A file cannot use up the ids of the whole host. */
static int add_rule(struct fde_rows *rows, const struct unwind_rule *rule, uint16_t *ret_id)
{
	uint32_t before = unwind_rules__cnt(rows->rules);
	int err = unwind_rules__add(rows->rules, rule, ret_id);

	if (err == -ENOSPC) {
		rows->stats->no_rule_id_cnt++;
		*ret_id = UNWIND_RULE_ID_UNSUPPORTED;
		return 0;
	}
	if (err)
		return err;
	rows->own_rule_cnt += unwind_rules__cnt(rows->rules) - before;
	if (rows->own_rule_cnt > rows->limits->new_rule_cnt) {
		rows->reason = "too many different rules";
		return -E2BIG;
	}
	return 0;
}

static int find_rule(struct fde_rows *rows, const struct unwind_rule *rule, uint16_t *ret_id)
{
	struct cached_rule *cached;
	uint64_t words[2];
	int err;

	memcpy(words, rule, sizeof(words));
	words[0] = (words[0] * 0x9e3779b97f4a7c15ull) ^ (words[1] * 0xc2b2ae3d27d4eb4full);
	cached = &rows->cache[words[0] >> 56];
	if (memcmp(&cached->rule, rule, sizeof(*rule))) {
		err = add_rule(rows, rule, &cached->id);
		if (err)
			return err;
		cached->rule = *rule;
	}
	*ret_id = cached->id;
	return 0;
}

static int add_row(struct fde_rows *rows, uint64_t address, uint16_t rule)
{
	int err = unwind_table_builder__add(&rows->builder, address, rule);

	if (err == -E2BIG)
		rows->reason = too_many_rows;
	return err;
}

static int on_row(void *ctx, uint64_t address, const struct cfi_state *state)
{
	struct fde_rows *rows = ctx;
	struct unwind_rule rule;
	enum rule_loss loss;
	uint16_t id;
	int err;

	loss = unwind_rule__from_state(state, rows->fde->cie->is_signal_frame, &rule);
	rows->stats->cfi_row_cnt++;
	rows->stats->unsupported_cnt += loss == RULE_LOSS_ALL;
	rows->stats->rbp_lost_cnt += loss == RULE_LOSS_FP;
	err = find_rule(rows, &rule, &id);
	return err ? err : add_row(rows, address, id);
}

static int on_address(void *ctx, const uint8_t **pos, const uint8_t *end, uint64_t *ret_address)
{
	const struct fde_rows *rows = ctx;
	struct pointer_bases bases = rows->fde->bases;
	struct cursor c = cursor__new(*pos, end - *pos);
	int err = pointer__read(&c, rows->fde->cie->pointer_encoding, &bases, ret_address);

	*pos = c.pos;
	return err ? err : c.overrun ? -EINVAL : 0;
}

int fde_rows__add(struct fde_rows *rows, const struct fde *fde, const char **ret_reason)
{
	static const struct cfi_program_ops ops = {.row = on_row, .address = on_address};
	struct cfi_state state = fde->cie->initial;
	struct cfi_program program = {
		.ops = &ops,
		.ctx = rows,
		.code_align = fde->cie->code_align,
		.data_align = fde->cie->data_align,
		.pc_reg = fde->cie->pc_reg,
		.initial = &fde->cie->initial,
		.stack = rows->stack,
		.stack_max = rows->limits->state_stack_cnt,
		.address = fde->begin,
		.end = fde->end,
	};
	const struct cursor *instructions = &fde->instructions;
	int err;

	rows->fde = fde;
	rows->reason = NULL;
	err = cfi_program__run(
		&program, instructions->pos, cursor__left(instructions), &state, &rows->reason);
	if (!err)
		err = add_row(rows, fde->end, UNWIND_RULE_ID_NONE);
	if (err && rows->reason)
		*ret_reason = rows->reason;
	return err;
}

int fde_rows__finish(
	struct fde_rows *rows, struct unwind_table **ret_table, const char **ret_reason)
{
	int err = unwind_table_builder__finish(&rows->builder, ret_table);

	if (err == -E2BIG)
		*ret_reason = too_many_rows;
	return err;
}
