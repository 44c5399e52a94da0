// SPDX-License-Identifier: GPL-2.0
/* The unwind rows of one file: search and walk. */
#include <stdlib.h>

#include "unwind/rules.h"
#include "unwind/table.h"

void unwind_table__free(struct unwind_table *table)
{
	if (!table)
		return;
	free(table->pages);
	free(table->rows);
	free(table);
}

size_t unwind_table__bytes(const struct unwind_table *table)
{
	return table->page_cnt * sizeof(*table->pages) + table->row_cnt * sizeof(*table->rows);
}

static const struct unwind_page *find_page(const struct unwind_table *table, uint64_t number)
{
	uint32_t low = 0, high = table->page_cnt, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (table->pages[middle].number == number)
			return &table->pages[middle];
		if (table->pages[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

uint16_t unwind_table__find(const struct unwind_table *table, uint64_t address)
{
	const struct unwind_page *page = find_page(table, address >> UNWIND_PAGE_SHIFT);
	uint16_t offset = address & (UNWIND_PAGE_BYTES - 1);
	const struct unwind_row *rows;
	uint32_t low = 0, high, middle;

	if (!page)
		return UNWIND_RULE_ID_NONE;
	rows = table->rows + page->first_row;
	high = page->row_cnt;
	while (low < high) { /* the first row above offset */
		middle = low + (high - low) / 2;
		if (rows[middle].offset <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? rows[low - 1].rule : UNWIND_RULE_ID_NONE;
}

static uint64_t page_start(const struct unwind_page *page)
{
	return (uint64_t)page->number << UNWIND_PAGE_SHIFT;
}

/* Code that ends with its page has no row that says so: the next page has none at offset 0. */
static bool ends_with_page(const struct unwind_table *table, uint32_t page)
{
	const struct unwind_page *next = &table->pages[page + 1];

	return page + 1 == table->page_cnt || next->number != table->pages[page].number + 1 ||
	       table->rows[next->first_row].offset;
}

bool unwind_table_iter__next(
	struct unwind_table_iter *iter, uint64_t *ret_address, uint16_t *ret_rule)
{
	const struct unwind_table *table = iter->table;
	const struct unwind_page *page;
	const struct unwind_row *row;

	while (iter->page < table->page_cnt) {
		page = &table->pages[iter->page];
		if (iter->row < page->row_cnt) {
			row = &table->rows[page->first_row + iter->row++];
			*ret_address = page_start(page) + row->offset;
			*ret_rule = row->rule;
		} else if (iter->rule != UNWIND_RULE_ID_NONE && ends_with_page(table, iter->page)) {
			*ret_address = page_start(page) + UNWIND_PAGE_BYTES;
			*ret_rule = UNWIND_RULE_ID_NONE;
		} else {
			iter->page++;
			iter->row = 0;
			continue;
		}
		if (*ret_rule != iter->rule) {
			iter->rule = *ret_rule;
			return true;
		}
	}
	return false;
}
