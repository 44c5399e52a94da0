// SPDX-License-Identifier: GPL-2.0
/* Builds the unwind rows of one file: merges equal neighbours and cuts at pages. */
#include <errno.h>
#include <stdlib.h>

#include "unwind/rules.h"
#include "unwind/table.h"

#define PAGE_NUMBER_BITS 32

int unwind_table_builder__open(struct unwind_table_builder *builder, uint32_t row_max)
{
	*builder = (struct unwind_table_builder){.row_max = row_max};
	builder->table = calloc(1, sizeof(*builder->table));
	return builder->table ? 0 : -ENOMEM;
}

void unwind_table_builder__close(struct unwind_table_builder *builder)
{
	unwind_table__free(builder->table);
	*builder = (struct unwind_table_builder){0};
}

static int grow(void **array, uint32_t cnt, uint32_t *room, size_t element_bytes)
{
	uint32_t more = *room ? 2 * *room : 256;
	void *grown;

	if (cnt < *room)
		return 0;
	grown = realloc(*array, more * element_bytes);
	if (!grown)
		return -ENOMEM;
	*array = grown;
	*room = more;
	return 0;
}

static int append_row(struct unwind_table_builder *builder, uint64_t address, uint16_t rule)
{
	struct unwind_table *table = builder->table;
	uint32_t number = address >> UNWIND_PAGE_SHIFT;
	struct unwind_page *page = table->page_cnt ? &table->pages[table->page_cnt - 1] : NULL;

	if (table->row_cnt == builder->row_max)
		return -E2BIG;
	if (!page || page->number != number) {
		if (rule == UNWIND_RULE_ID_NONE)
			return 0; /* before a page's first row there is no code anyhow */
		if (grow((void **)&table->pages, table->page_cnt, &builder->page_room,
			    sizeof(*page)))
			return -ENOMEM;
		page = &table->pages[table->page_cnt++];
		*page = (struct unwind_page){.number = number, .first_row = table->row_cnt};
	}
	if (grow((void **)&table->rows, table->row_cnt, &builder->row_room, sizeof(*table->rows)))
		return -ENOMEM;
	table->rows[table->row_cnt++] = (struct unwind_row){
		.offset = address & (UNWIND_PAGE_BYTES - 1), .rule = rule};
	page->row_cnt++;
	return 0;
}

/* The rule in force reaches into the pages up to the one of address: each gets a row at its
 * start. */
static int cross_pages(struct unwind_table_builder *builder, uint64_t address)
{
	const struct unwind_table *table = builder->table;
	uint64_t start;
	int err = 0;

	if (builder->rule == UNWIND_RULE_ID_NONE)
		return 0;
	start = ((uint64_t)table->pages[table->page_cnt - 1].number + 1) << UNWIND_PAGE_SHIFT;
	for (; start < address && !err; start += UNWIND_PAGE_BYTES)
		err = append_row(builder, start, builder->rule);
	return err;
}

static int flush(struct unwind_table_builder *builder)
{
	int err;

	if (!builder->has_pending || builder->pending_rule == builder->rule)
		return 0;
	err = cross_pages(builder, builder->pending_address);
	if (!err)
		err = append_row(builder, builder->pending_address, builder->pending_rule);
	builder->rule = builder->pending_rule;
	return err;
}

int unwind_table_builder__add(struct unwind_table_builder *builder, uint64_t address, uint16_t rule)
{
	int err = 0;

	if (address >> (UNWIND_PAGE_SHIFT + PAGE_NUMBER_BITS) ||
		(builder->has_pending && address < builder->pending_address))
		return -EINVAL;
	if (!builder->has_pending || address > builder->pending_address)
		err = flush(builder);
	builder->has_pending = true;
	builder->pending_address = address;
	builder->pending_rule = rule;
	return err;
}

static void shrink(void **array, uint32_t cnt, size_t element_bytes)
{
	void *shrunk = cnt ? realloc(*array, cnt * element_bytes) : NULL;

	if (shrunk)
		*array = shrunk;
}

int unwind_table_builder__finish(
	struct unwind_table_builder *builder, struct unwind_table **ret_table)
{
	struct unwind_table *table = builder->table;
	int err = flush(builder);

	if (err)
		return err;
	if (builder->rule != UNWIND_RULE_ID_NONE)
		return -EINVAL;
	shrink((void **)&table->rows, table->row_cnt, sizeof(*table->rows));
	shrink((void **)&table->pages, table->page_cnt, sizeof(*table->pages));
	builder->table = NULL;
	*ret_table = table;
	return 0;
}
