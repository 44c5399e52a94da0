/* SPDX-License-Identifier: GPL-2.0 */
/* The unwind rows of one file, in the form that BPF searches: pages of 64 KiB with 4-byte rows. */
#ifndef UNWIND_TABLE_H
#define UNWIND_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unwind_rule.h"

/* Page numbers ascend, so do the offsets in a page. A page that no code reaches into is absent, and
 * before a page's first row there is no code. Two neighbours never have the same rule, except
 * across pages. */
struct unwind_page {
	uint32_t number; /* ELF address >> UNWIND_PAGE_SHIFT */
	uint32_t first_row;
	uint32_t row_cnt; /* at least 1 */
};

struct unwind_table {
	struct unwind_page *pages;
	struct unwind_row *rows;
	uint32_t page_cnt;
	uint32_t row_cnt;
};

void unwind_table__free(struct unwind_table *table);

/* The id of the rule at an ELF address, by the search that BPF does; UNWIND_RULE_ID_NONE without
 * code. */
uint16_t unwind_table__find(const struct unwind_table *table, uint64_t address);

/* Bytes that the table takes in kernel maps and here. */
size_t unwind_table__bytes(const struct unwind_table *table);

/* Walks a table as if it had no pages: each change of the rule once, the ends of code included. */
struct unwind_table_iter {
	const struct unwind_table *table; /* set this; all else 0 */
	uint32_t page;
	uint32_t row;
	uint16_t rule;
};

/* false at the end. */
bool unwind_table_iter__next(
	struct unwind_table_iter *iter, uint64_t *ret_address, uint16_t *ret_rule);

/* Builds a table from rows in ascending order. */
struct unwind_table_builder {
	struct unwind_table *table;
	uint32_t row_room;
	uint32_t page_room;
	uint32_t row_max;
	bool has_pending;
	uint64_t pending_address; /* a row that the next one may still replace */
	uint16_t pending_rule;
	uint16_t rule; /* in force before it */
};

/* A table of at most row_max rows. 0 or -ENOMEM. */
int unwind_table_builder__open(struct unwind_table_builder *builder, uint32_t row_max);
/* The rule from address on; a second one for the same address replaces the first. 0; -EINVAL for an
 * address below the last one or above 2^48, -E2BIG above row_max, -ENOMEM. */
int unwind_table_builder__add(
	struct unwind_table_builder *builder, uint64_t address, uint16_t rule);
/* The caller owns the table. The last rule added must be UNWIND_RULE_ID_NONE. */
int unwind_table_builder__finish(
	struct unwind_table_builder *builder, struct unwind_table **ret_table);
/* Also after finish. */
void unwind_table_builder__close(struct unwind_table_builder *builder);

#endif
