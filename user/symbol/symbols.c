// SPDX-License-Identifier: GPL-2.0
/* Splits a profile's frames by what they belong to, and asks the sources for their names. */
#include "symbol/symbols.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpfprof.h"
#include "process/file.h"
#include "symbol/demangle.h"
#include "symbol/frame_set.h"
#include "symbol/mapping.h"
#include "symbol/memory.h"
#include "symbol/source.h"

int symbol_batch__set_lines(struct symbol_batch *batch, struct symbol_location *location,
	const struct symbol_line *lines, uint32_t cnt)
{
	struct symbol_line *copy;

	copy = symbol_memory__alloc(batch->symbols->memory, cnt * sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	memcpy(copy, lines, cnt * sizeof(*copy));
	location->lines = copy;
	location->line_cnt = cnt;
	return 0;
}

int symbol_batch__fill_names(
	struct symbol_batch *batch, struct symbol_line *line, const char *name, size_t name_len)
{
	char text[DEMANGLE_OUTPUT_MAX];
	size_t len;

	line->system_name = symbol_memory__intern(batch->symbols->memory, name, name_len);
	if (!line->system_name)
		return -ENOMEM;
	line->function = line->system_name;
	len = demangle(name, name_len, text, sizeof(text));
	if (len)
		line->function = symbol_memory__intern(batch->symbols->memory, text, len);
	return line->function ? 0 : -ENOMEM;
}

int symbol_batch__set_name(struct symbol_batch *batch, struct symbol_location *location,
	const char *name, size_t name_len)
{
	struct symbol_line line = {0};
	int err = symbol_batch__fill_names(batch, &line, name, name_len);

	return err ? err : symbol_batch__set_lines(batch, location, &line, 1);
}

static enum symbol_batch_kind frame_kind(uint64_t frame)
{
	if (frame & FRAME_FILE)
		return SYMBOL_BATCH_FILE;
	return frame & FRAME_KERNEL ? SYMBOL_BATCH_KERNEL : SYMBOL_BATCH_RAW;
}

static uint32_t frame_file_id(uint64_t frame)
{
	return (frame & ~FRAME_FILE) >> FRAME_ADDR_BITS;
}

static int resolve_all(struct symbols *symbols, const struct files *files,
	const struct symbols_options *options, unsigned int *failed_cnt)
{
	const struct symbol_location *locations = symbols->locations;

	for (size_t first = 0, end; first < symbols->location_cnt; first = end) {
		struct symbol_batch batch = {
			.kind = frame_kind(locations[first].frame),
			.locations = &symbols->locations[first],
			.fd = -1,
			.options = options,
			.symbols = symbols,
		};
		int err;

		for (end = first + 1; end < symbols->location_cnt; end++) {
			uint64_t frame = locations[end].frame;

			if (frame_kind(frame) != batch.kind)
				break;
			if (batch.kind == SYMBOL_BATCH_FILE &&
				frame_file_id(frame) != frame_file_id(locations[first].frame))
				break;
		}
		batch.cnt = end - first;
		if (batch.kind == SYMBOL_BATCH_FILE)
			batch.file = files__get(files, frame_file_id(locations[first].frame));
		err = symbol_batch__resolve(&batch, files, failed_cnt);
		err = err ? err : symbol_batch__map(&batch);
		if (err)
			return err;
	}
	return 0;
}

static struct symbols_options with_defaults(const struct symbols_options *options)
{
	struct symbols_options all = options ? *options : (struct symbols_options){0};

	if (!all.file_bytes_max)
		all.file_bytes_max = 64u << 20;
	if (!all.kallsyms_path)
		all.kallsyms_path = "/proc/kallsyms";
	if (!all.debug_dir)
		all.debug_dir = "/usr/lib/debug";
	if (!all.proc_dir)
		all.proc_dir = "/proc";
	if (!all.dwarf_bytes_max)
		all.dwarf_bytes_max = 1u << 30;
	if (!all.dwarf_ms_max)
		all.dwarf_ms_max = 10000;
	return all;
}

int symbols__resolve(const struct profile *profile, const struct files *files,
	const struct symbols_options *options, struct symbols **ret, unsigned int *ret_failed_cnt)
{
	const struct symbols_options all = with_defaults(options);
	unsigned int failed_cnt = 0;
	struct symbols *symbols;
	int err = -ENOMEM;

	symbols = calloc(1, sizeof(*symbols));
	if (!symbols)
		return err;
	symbols->memory = symbol_memory__new();
	if (!symbols->memory)
		goto out;
	err = frame_set__collect(profile, &symbols->locations, &symbols->location_cnt);
	if (err)
		goto out;
	err = resolve_all(symbols, files, &all, &failed_cnt);
	if (err)
		goto out;
	symbols__flag_mappings(symbols);
	*ret = symbols;
	symbols = NULL;
	if (ret_failed_cnt)
		*ret_failed_cnt = failed_cnt;
out:
	symbols__free(symbols);
	return err;
}

const struct symbol_location *symbols__find(
	const struct symbols *symbols, uint64_t frame, uint32_t pid, uint64_t start_ns)
{
	struct symbol_location key = {.frame = frame};
	size_t low = 0, high = symbols->location_cnt;

	if (frame_kind(frame) == SYMBOL_BATCH_RAW) {
		key.pid = pid;
		key.start_ns = start_ns;
	}
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = symbol_location__compare(&key, &symbols->locations[middle]);

		if (order == 0)
			return &symbols->locations[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const char *symbol_location__name(const struct symbols *symbols,
	const struct symbol_location *location, char *buf, size_t buf_bytes)
{
	const struct symbol_mapping *mapping = NULL;
	const char *base;
	size_t len;

	if (location->line_cnt)
		return location->lines[0].function;
	if (location->mapping != UINT32_MAX && frame_kind(location->frame) == SYMBOL_BATCH_FILE)
		mapping = &symbols->mappings[location->mapping];
	if (!mapping) {
		snprintf(buf, buf_bytes, "[0x%" PRIx64 "]", location->address);
		return buf;
	}
	base = strrchr(mapping->path, '/');
	base = base ? base + 1 : mapping->path;
	len = strlen(base);
	if (base[0] == '[' && len > 2 && base[len - 1] == ']') {
		base++;
		len -= 2;
	}
	/* By function, where it is known to begin: a report would else have a line an instruction. */
	snprintf(buf, buf_bytes, "[%.*s+0x%" PRIx64 "]", (int)len, base,
		location->function_start ? location->function_start : location->address);
	return buf;
}

void symbols__free(struct symbols *symbols)
{
	if (!symbols)
		return;
	free(symbols->mappings);
	free(symbols->locations);
	symbol_memory__free(symbols->memory);
	free(symbols);
}
