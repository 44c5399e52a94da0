// SPDX-License-Identifier: GPL-2.0
/* libFuzzer target: ELF files and raw .eh_frame bytes into the CFI parser. */
#include <stddef.h>
#include <stdint.h>

#include "../unwind/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { INPUT_FILE, INPUT_MEMORY, INPUT_EH_FRAME, INPUT_DEBUG_FRAME, INPUT_CNT };

/* What a walker asks a table must be what a walk over its rows says: a disagreement stops the
 * run. */
static void check_table(const struct unwind_table *table, const struct unwind_rules *rules)
{
	struct unwind_table_iter iter = {.table = table};
	uint64_t address, last = 0;
	uint16_t rule, last_rule = UNWIND_RULE_ID_NONE;
	uint32_t row_cnt = 0;

	while (unwind_table_iter__next(&iter, &address, &rule)) {
		if (row_cnt++ && address <= last)
			abort();
		if (unwind_table__find(table, address) != rule || !unwind_rules__get(rules, rule))
			abort();
		if (address && unwind_table__find(table, address - 1) != last_rule)
			abort();
		last = address;
		last_rule = rule;
	}
	if (last_rule != UNWIND_RULE_ID_NONE)
		abort();
}

static void run(struct cfi_parser *parser, const struct unwind_rules *rules)
{
	struct unwind_table *table = NULL;
	int more;

	if (!parser)
		abort();
	do {
		more = cfi_parser__step(parser, 64);
	} while (more == 1);
	if (more && !cfi_parser__reason(parser))
		abort();
	if (!more && !cfi_parser__finish(parser, &table))
		check_table(table, rules);
	unwind_table__free(table);
	cfi_parser__free(parser);
}

static void run_file(const uint8_t *data, size_t len, struct unwind_rules *rules)
{
	int fd = file_of(data, len);

	run(cfi_parser__new_fd(fd, NULL, rules), rules);
	close(fd);
}

static void run_section(
	const uint8_t *data, size_t len, bool is_debug_frame, struct unwind_rules *rules)
{
	static struct bytes section;
	static struct image image;
	struct image_spec spec = {0};

	if (len > sizeof(section.data))
		return;
	section.len = 0;
	put(&section, data, len);
	if (is_debug_frame)
		spec.debug_frame = &section;
	else
		spec.eh_frame = &section;
	image__make(&image, &spec);
	run(cfi_parser__new_memory(image.data, image.len, NULL, rules), rules);
}

/* The first byte says what the rest is. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct unwind_rules *rules;

	if (!len)
		return 0;
	rules = unwind_rules__new();
	switch (data[0] % INPUT_CNT) {
	case INPUT_FILE:
		run_file(data + 1, len - 1, rules);
		break;
	case INPUT_MEMORY:
		run(cfi_parser__new_memory(data + 1, len - 1, NULL, rules), rules);
		break;
	default:
		run_section(data + 1, len - 1, data[0] % INPUT_CNT == INPUT_DEBUG_FRAME, rules);
	}
	unwind_rules__free(rules);
	return 0;
}
