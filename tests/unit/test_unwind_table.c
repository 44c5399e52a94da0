// SPDX-License-Identifier: GPL-2.0
/* Tables, the host's rules and the list of FDEs: each against a simple model. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unwind/fde_list.h"
#include "unwind/rules.h"
#include "unwind/table.h"

struct input_row {
	uint64_t address;
	uint16_t rule;
};

/* Pages as "number:offset=rule,offset=rule ". */
static void format_pages(const struct unwind_table *table, char *buf, size_t len)
{
	const struct unwind_page *page;
	const struct unwind_row *row;
	size_t n = 0;

	buf[0] = 0;
	for (uint32_t i = 0; i < table->page_cnt; i++) {
		page = &table->pages[i];
		n += snprintf(buf + n, len - n, "%x:", page->number);
		for (uint32_t j = 0; j < page->row_cnt; j++) {
			row = &table->rows[page->first_row + j];
			n += snprintf(buf + n, len - n, "%x=%u,", row->offset, row->rule);
		}
		n += snprintf(buf + n, len - n, " ");
	}
}

static struct unwind_table *build(const struct input_row *rows, size_t cnt)
{
	struct unwind_table_builder builder;
	struct unwind_table *table = NULL;

	assert_int_equal(unwind_table_builder__open(&builder, 1 << 20), 0);
	for (size_t i = 0; i < cnt; i++)
		assert_int_equal(
			unwind_table_builder__add(&builder, rows[i].address, rows[i].rule), 0);
	assert_int_equal(unwind_table_builder__finish(&builder, &table), 0);
	unwind_table_builder__close(&builder);
	return table;
}

static void test_pages(void **state)
{
	static const struct {
		struct input_row rows[8];
		size_t cnt;
		const char *pages;
	} cases[] = {
		{{{0}}, 0, ""},
		{{{0x10, 2}, {0x20, 0}}, 2, "0:10=2,20=0, "},
		{{{0x10, 2}, {0x18, 2}, {0x20, 0}, {0x20, 3}, {0x30, 0}}, 5, "0:10=2,20=3,30=0, "},
		{{{0xfff0, 2}, {0x10000, 0}}, 2, "0:fff0=2, "},
		{{{0xfff0, 2}, {0x10000, 3}, {0x10010, 0}}, 3, "0:fff0=2, 1:0=3,10=0, "},
		{{{0xfff0, 2}, {0x10010, 0}}, 2, "0:fff0=2, 1:0=2,10=0, "},
		{{{0xfff0, 2}, {0x30000, 0}}, 2, "0:fff0=2, 1:0=2, 2:0=2, "},
		{{{0x10, 2}, {0x20, 0}, {0x50010, 4}, {0x50020, 0}}, 4,
			"0:10=2,20=0, 5:10=4,20=0, "},
		{{{0x10, 2}, {0x10, 3}, {0x10, 0}}, 3, ""},
	};
	struct unwind_table *table;
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		table = build(cases[i].rows, cases[i].cnt);
		format_pages(table, text, sizeof(text));
		assert_string_equal(text, cases[i].pages);
		unwind_table__free(table);
	}
}

#define SPACE 0x60000

/* Random rows against an array with the rule of each address. */
static void check_random(unsigned int seed)
{
	static uint16_t model[SPACE + 1];
	static struct input_row rows[4096];
	struct unwind_table_iter iter = {0};
	struct unwind_table *table;
	uint64_t address = 0;
	size_t cnt = 0;
	uint16_t rule;

	srand(seed);
	memset(model, 0, sizeof(model));
	while (address < SPACE - 0x10000) {
		address += rand() % (rand() % 8 ? 200 : 0x10000);
		rows[cnt++] = (struct input_row){address, rand() % 4};
	}
	rows[cnt++] = (struct input_row){address + 100, UNWIND_RULE_ID_NONE};
	for (size_t i = 0; i + 1 < cnt; i++)
		for (uint64_t a = rows[i].address; a < rows[i + 1].address; a++)
			model[a] = rows[i].rule;
	table = build(rows, cnt);
	for (uint64_t a = 0; a < SPACE; a++)
		assert_int_equal(unwind_table__find(table, a), model[a]);
	iter.table = table;
	for (uint64_t a = 0; a <= SPACE; a++) {
		if (model[a] == (a ? model[a - 1] : 0))
			continue;
		assert_true(unwind_table_iter__next(&iter, &address, &rule));
		assert_int_equal(address, a);
		assert_int_equal(rule, model[a]);
	}
	assert_false(unwind_table_iter__next(&iter, &address, &rule));
	unwind_table__free(table);
}

static void test_random_tables(void **state)
{
	(void)state;
	for (unsigned int seed = 0; seed < 20; seed++)
		check_random(seed);
}

static void test_builder_refusals(void **state)
{
	struct unwind_table_builder builder;
	struct unwind_table *table;

	(void)state;
	assert_int_equal(unwind_table_builder__open(&builder, 2), 0);
	assert_int_equal(unwind_table_builder__add(&builder, 0x100, 2), 0);
	assert_int_equal(unwind_table_builder__add(&builder, 0xff, 2), -EINVAL);
	assert_int_equal(unwind_table_builder__add(&builder, 1ull << 48, 2), -EINVAL);
	assert_int_equal(unwind_table_builder__finish(&builder, &table), -EINVAL); /* no end */
	assert_int_equal(unwind_table_builder__add(&builder, 0x110, 3), 0);
	assert_int_equal(unwind_table_builder__add(&builder, 0x120, 0), 0);
	assert_int_equal(unwind_table_builder__finish(&builder, &table), -E2BIG);
	unwind_table_builder__close(&builder);
}

static void test_rules(void **state)
{
	struct unwind_rules *rules = unwind_rules__new();
	struct unwind_rule rule = {.cfa = UNWIND_CFA_RSP};
	uint16_t id = 7;

	(void)state;
	assert_int_equal(unwind_rules__cnt(rules), 2);
	assert_int_equal(unwind_rules__get(rules, UNWIND_RULE_ID_NONE)->cfa, UNWIND_CFA_NONE);
	assert_int_equal(
		unwind_rules__get(rules, UNWIND_RULE_ID_UNSUPPORTED)->cfa, UNWIND_CFA_UNSUPPORTED);
	for (int i = 2; i < UNWIND_RULES_MAX; i++) {
		rule.cfa_offset = i;
		assert_int_equal(unwind_rules__add(rules, &rule, &id), 0);
		assert_int_equal(id, i);
	}
	for (int i = 2; i < UNWIND_RULES_MAX; i += 1000) {
		rule.cfa_offset = i;
		assert_int_equal(unwind_rules__add(rules, &rule, &id), 0);
		assert_int_equal(id, i);
		assert_int_equal(unwind_rules__get(rules, i)->cfa_offset, i);
	}
	rule.cfa_offset = -1;
	id = 7;
	assert_int_equal(unwind_rules__add(rules, &rule, &id), -ENOSPC);
	assert_int_equal(id, 7);
	assert_int_equal(unwind_rules__refused_cnt(rules), 1);
	assert_null(unwind_rules__get(rules, UNWIND_RULES_MAX));
	unwind_rules__free(rules);
	unwind_rules__free(NULL);
}

static int compare_keys(const void *left, const void *right)
{
	const uint64_t *a = left, *b = right;

	return *a < *b ? -1 : *a > *b;
}

static void check_sort(uint32_t cnt, uint32_t mask)
{
	uint64_t *model = calloc(cnt + 1, sizeof(*model));
	struct fde_list list;
	int more, steps = 0;

	fde_list__open(&list, cnt);
	for (uint32_t i = 0; i < cnt; i++)
		assert_int_equal(fde_list__add(&list, ((uint32_t)rand() << 1 ^ rand()) & mask,
					 i > cnt / 2, i),
			0);
	assert_int_equal(fde_list__add(&list, 0, false, 0), -E2BIG);
	if (cnt)
		memcpy(model, list.keys, cnt * sizeof(*model));
	qsort(model, cnt, sizeof(*model), compare_keys);
	while ((more = fde_list__sort_step(&list)) == 1)
		assert_true(++steps < 10);
	assert_int_equal(more, 0);
	if (cnt)
		assert_memory_equal(model, list.keys, cnt * sizeof(*model));
	fde_list__close(&list);
	free(model);
}

static void test_fde_list(void **state)
{
	static const uint32_t masks[] = {UINT32_MAX, 0xfff00000, 0x7ff, 0x3ff800, 0};

	(void)state;
	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		check_sort(0, masks[i]);
		check_sort(1, masks[i]);
		check_sort(2, masks[i]);
		check_sort(5000, masks[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_random_tables),
		cmocka_unit_test(test_builder_refusals),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_fde_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
