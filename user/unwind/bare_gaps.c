// SPDX-License-Identifier: GPL-2.0
/* Finds the code that unwind rows leave out. */
#include "unwind/bare_gaps.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define GAP_BYTES_MIN 32 /* smaller ones are padding */
#define GAPS_MAX      65536
#define LIST_MAX      262144 /* 1 MiB */

struct reading {
	struct gaps *gaps;
	const struct elf_frames *frames;
	bool (*starts_stack)(uint64_t address, uint16_t rule, void *arg);
	void *arg;
	bool starts_only;
	uint32_t room;
	uint64_t byte_cnt;
};

static int keep(struct reading *reading, uint64_t start, uint64_t end, uint16_t rule)
{
	struct gaps *gaps = reading->gaps;
	bool starts_stack = reading->starts_stack(end, rule, reading->arg);
	struct gap *grown;

	if (start >= end ||
		((end - start < GAP_BYTES_MIN || reading->starts_only) && !starts_stack))
		return 0;
	if (reading->starts_only && end - start > GAP_BYTES_MIN)
		start = end - GAP_BYTES_MIN;
	if (gaps->cnt == reading->room) {
		reading->room = reading->room ? 2 * reading->room : 64;
		grown = reallocarray(gaps->items, reading->room, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		gaps->items = grown;
	}
	if (gaps->cnt == GAPS_MAX)
		return -E2BIG;
	gaps->items[gaps->cnt++] = (struct gap){
		.start = start, .end = end, .starts_stack = starts_stack};
	reading->byte_cnt += end - start;
	return 0;
}

/* Keeps what of start up to end is code in the file. */
static int keep_code(struct reading *reading, uint64_t start, uint64_t end, uint16_t rule)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < reading->frames->code_cnt && !err; i++) {
		const struct elf_range *code = &reading->frames->code[i];
		uint64_t code_end = code->start + code->file_bytes;
		uint64_t from = start > code->start ? start : code->start;
		uint64_t to = end < code_end ? end : code_end;

		err = keep(reading, from, to, to == end ? rule : 0);
	}
	return err;
}

static int list_gaps(struct reading *reading, const struct unwind_table *table)
{
	struct unwind_table_iter iter = {.table = table};
	uint64_t address, gap_start = 0;
	bool is_gap = true;
	uint16_t rule;
	int err = 0;

	while (!err && unwind_table_iter__next(&iter, &address, &rule)) {
		if (is_gap)
			err = keep_code(reading, gap_start, address, rule);
		is_gap = !rule;
		gap_start = address;
	}
	return err || !is_gap ? err : keep_code(reading, gap_start, UINT64_MAX, 0);
}

static int compare_gaps(const void *a, const void *b)
{
	const struct gap *left = a, *right = b;

	return left->start < right->start ? -1 : left->start > right->start;
}

static int read_bytes(struct gaps *gaps, const struct elf_source *source,
	const struct elf_frames *frames, uint64_t byte_cnt)
{
	uint32_t i, first = 0;
	unsigned int code;

	if (!byte_cnt)
		return 0;
	gaps->bytes = malloc(byte_cnt);
	if (!gaps->bytes)
		return -ENOMEM;
	qsort(gaps->items, gaps->cnt, sizeof(*gaps->items), compare_gaps);
	for (i = 0; i < gaps->cnt; i++) {
		struct gap *gap = &gaps->items[i];
		int err = -EINVAL;

		/* Segments that overlap: a hostile file. */
		if (i && gap->start < gap[-1].end)
			return -EINVAL;
		for (code = 0; code < frames->code_cnt && err; code++)
			if (gap->start >= frames->code[code].start &&
				gap->end <=
					frames->code[code].start + frames->code[code].file_bytes)
				err = elf_source__read(source,
					frames->code[code].offset +
						(gap->start - frames->code[code].start),
					gaps->bytes + first, gap->end - gap->start);
		if (err)
			return err;
		gap->first = first;
		first += (uint32_t)(gap->end - gap->start);
	}
	gaps->byte_cnt = first;
	return 0;
}

int gaps__read(struct gaps *gaps, const struct elf_source *source, const struct elf_frames *frames,
	const struct unwind_table *table,
	bool (*starts_stack)(uint64_t address, uint16_t rule, void *arg), void *arg,
	uint32_t max_bytes)
{
	struct reading reading = {
		.gaps = gaps, .frames = frames, .starts_stack = starts_stack, .arg = arg};
	int err;

	*gaps = (struct gaps){0};
	err = list_gaps(&reading, table);
	if (err == -E2BIG || (!err && reading.byte_cnt > max_bytes)) {
		gaps->cnt = 0;
		reading.byte_cnt = 0;
		reading.starts_only = true;
		err = list_gaps(&reading, table);
	}
	if (!err)
		err = read_bytes(gaps, source, frames, reading.byte_cnt);
	if (err)
		gaps__close(gaps);
	return err;
}

void gaps__close(struct gaps *gaps)
{
	free(gaps->items);
	free(gaps->bytes);
	*gaps = (struct gaps){0};
}

bool gaps__find(const struct gaps *gaps, uint64_t address, uint32_t *ret_at)
{
	uint32_t low = 0, high = gaps->cnt;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct gap *gap = &gaps->items[middle];

		if (address >= gap->end) {
			low = middle + 1;
		} else if (address < gap->start) {
			high = middle;
		} else {
			*ret_at = gap->first + (uint32_t)(address - gap->start);
			return true;
		}
	}
	return false;
}

const struct gap *gaps__of(const struct gaps *gaps, uint32_t at)
{
	uint32_t low = 0, high = gaps->cnt;

	while (low < high) { /* the first gap behind at */
		uint32_t middle = low + (high - low) / 2;

		if (gaps->items[middle].first <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return &gaps->items[low - 1];
}

uint64_t gaps__address(const struct gaps *gaps, uint32_t at)
{
	const struct gap *gap = gaps__of(gaps, at);

	return gap->start + (at - gap->first);
}

bool gaps__is_same(const struct gaps *gaps, uint32_t at, uint32_t next)
{
	const struct gap *gap = gaps__of(gaps, at);

	return next - gap->first < gap->end - gap->start;
}

bool gaps__decode(const struct gaps *gaps, uint32_t at, struct insn *ret)
{
	const struct gap *gap;

	if (at >= gaps->byte_cnt)
		return false;
	gap = gaps__of(gaps, at);
	return insn__decode(
		gaps->bytes + at, (size_t)(gap->end - gap->start) - (at - gap->first), ret);
}

void gap_list__add(struct gap_list *list, uint32_t at)
{
	uint32_t room = list->room ? 2 * list->room : 256, *grown;

	if (list->cnt == LIST_MAX)
		return;
	if (list->cnt == list->room) {
		grown = reallocarray(list->items, room, sizeof(*grown));
		if (!grown)
			return;
		list->items = grown;
		list->room = room;
	}
	list->items[list->cnt++] = at;
}

void gap_list__close(struct gap_list *list)
{
	free(list->items);
	*list = (struct gap_list){0};
}
