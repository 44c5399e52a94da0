// SPDX-License-Identifier: GPL-2.0
/* Builds the mappings that a profile's locations use: a file's executable segments, kernel,
 * anon. */
#include "symbol/mapping.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "process/file.h"
#include "symbol/memory.h"
#include "symbol/source.h"

/* pprof only needs start and offset congruent modulo some page size; ELF files promise 4096. */
#define PAGE_BYTES 4096ull

static uint64_t page_down(uint64_t address)
{
	return address & ~(PAGE_BYTES - 1);
}

static uint64_t page_up(uint64_t address)
{
	return address > UINT64_MAX - PAGE_BYTES ? UINT64_MAX : page_down(address + PAGE_BYTES - 1);
}

int symbols__add_mapping(
	struct symbols *symbols, const struct symbol_mapping *mapping, uint32_t *ret)
{
	struct symbol_mapping copy = *mapping, *mappings;
	size_t cnt = symbols->mapping_cnt;

	copy.path = symbol_memory__intern(symbols->memory, mapping->path, strlen(mapping->path));
	copy.build_id = symbol_memory__intern(
		symbols->memory, mapping->build_id, strlen(mapping->build_id));
	if (!copy.path || !copy.build_id)
		return -ENOMEM;
	if ((cnt & (cnt - 1)) == 0) {
		mappings = reallocarray(
			symbols->mappings, cnt ? cnt * 2 : 1, sizeof(*symbols->mappings));
		if (!mappings)
			return -ENOMEM;
		symbols->mappings = mappings;
	}
	symbols->mappings[cnt] = copy;
	symbols->mapping_cnt++;
	*ret = cnt;
	return 0;
}

/* The addresses that no segment holds (a file that is no ELF, or one that was cut short since), or
 * all of a batch that is no file: one mapping around them, offsets as addresses. */
static int map_rest(struct symbol_batch *batch, struct symbol_mapping *mapping)
{
	uint64_t first = UINT64_MAX, last = 0;
	uint32_t index;
	int err;

	for (size_t i = 0; i < batch->cnt; i++) {
		const struct symbol_location *location = &batch->locations[i];

		if (location->mapping != UINT32_MAX)
			continue;
		first = location->address < first ? location->address : first;
		last = location->address > last ? location->address : last;
	}
	if (first > last)
		return 0;
	mapping->start = page_down(first);
	mapping->limit = page_up(last + 1 ? last + 1 : last);
	mapping->offset = batch->kind == SYMBOL_BATCH_FILE ? mapping->start : 0;
	err = symbols__add_mapping(batch->symbols, mapping, &index);
	if (err)
		return err;
	for (size_t i = 0; i < batch->cnt; i++)
		if (batch->locations[i].mapping == UINT32_MAX)
			batch->locations[i].mapping = index;
	return 0;
}

/* pprof finds the load segment by offset and subtracts start - offset + p_offset - p_vaddr
 * (elfexec.GetBase): with these values that is 0, for ET_EXEC and ET_DYN alike. */
static int map_segment(struct symbol_batch *batch, struct symbol_mapping *mapping,
	const struct file_segment *segment)
{
	uint64_t bytes = segment->mem_bytes ? segment->mem_bytes : segment->file_bytes;
	uint32_t index = UINT32_MAX;
	int err;

	for (size_t i = 0; i < batch->cnt; i++) {
		struct symbol_location *location = &batch->locations[i];

		if (location->mapping != UINT32_MAX || location->address < segment->vaddr ||
			location->address - segment->vaddr >= bytes)
			continue;
		if (index == UINT32_MAX) {
			mapping->start = page_down(segment->vaddr);
			mapping->limit = page_up(segment->vaddr + bytes);
			mapping->offset = page_down(segment->offset);
			err = symbols__add_mapping(batch->symbols, mapping, &index);
			if (err)
				return err;
		}
		location->mapping = index;
	}
	return 0;
}

int symbol_batch__map(struct symbol_batch *batch)
{
	char build_id[2 * BUILD_ID_BYTES_MAX + 1] = "";
	struct symbol_mapping mapping = {.path = "//anon", .build_id = build_id};
	int err;

	if (batch->kind == SYMBOL_BATCH_KERNEL) {
		mapping.path = "[kernel.kallsyms]";
	} else if (batch->file) {
		const struct file *file = batch->file;

		file__build_id_hex(file, build_id);
		mapping.path = file->kind == FILE_VDSO ? "[vdso]" : file->path;
		if (!mapping.path)
			mapping.path = "//anon";
		for (uint32_t i = 0; i < file->segment_cnt; i++) {
			err = map_segment(batch, &mapping, &file->segments[i]);
			if (err)
				return err;
		}
	}
	return map_rest(batch, &mapping);
}

void symbols__flag_mappings(struct symbols *symbols)
{
	for (size_t i = 0; i < symbols->mapping_cnt; i++) {
		struct symbol_mapping *mapping = &symbols->mappings[i];

		mapping->has_functions = mapping->has_filenames = true;
		mapping->has_line_numbers = true;
		mapping->has_inline_frames = true;
	}
	for (size_t i = 0; i < symbols->location_cnt; i++) {
		const struct symbol_location *location = &symbols->locations[i];
		struct symbol_mapping *mapping;

		if (location->mapping == UINT32_MAX)
			continue;
		mapping = &symbols->mappings[location->mapping];
		if (location->line_cnt == 0) {
			mapping->has_functions = mapping->has_filenames = false;
			mapping->has_line_numbers = mapping->has_inline_frames = false;
			continue;
		}
		/* Who knows the lines of a function knows what was inlined into it. */
		for (uint32_t k = 0; k < location->line_cnt; k++) {
			mapping->has_filenames &= location->lines[k].file != NULL;
			mapping->has_line_numbers &= location->lines[k].line != 0;
		}
	}
	for (size_t i = 0; i < symbols->mapping_cnt; i++)
		symbols->mappings[i].has_inline_frames &= symbols->mappings[i].has_line_numbers;
}
