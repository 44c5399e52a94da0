// SPDX-License-Identifier: GPL-2.0
/* Reads .gopclntab of Go 1.18 and later in small pieces (format: runtime/symtab.go,
 * debug/gosym). */
#include "symbol/go_table.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#include "symbol/elf_cache.h"
#include "symbol/elf_view.h"

#define MAGIC_118        0xfffffff0u
#define MAGIC_120        0xfffffff1u
#define PCDATA_INLTREE   2
#define FUNCDATA_INLTREE 3
/* Bytes of pc tables decoded for one file, at most. */
#define STEPS_MAX (1u << 26)

struct header {
	uint32_t magic;
	uint8_t pad[2];
	uint8_t code_unit;
	uint8_t pointer_bytes;
	uint64_t function_cnt;
	uint64_t file_cnt;
	uint64_t text; /* 0 since Go 1.26 and in position independent programs */
	uint64_t names, units, files, pcs, functions;
};
_Static_assert(sizeof(struct header) == 72, "as in the file");

static uint64_t file_offset(const struct elf_view *view, uint64_t address)
{
	for (size_t i = 1; i < view->section_cnt; i++) {
		const struct elf_section *section = &view->sections[i];

		if (section->flags & SHF_ALLOC && section->type != SHT_NOBITS &&
			address >= section->address && address - section->address < section->size)
			return section->offset + (address - section->address);
	}
	return 0;
}

static const struct elf_section *find_section(const struct elf_view *view)
{
	static const char suffix[] = "gopclntab";

	/* ".gopclntab", ".data.rel.ro.gopclntab" */
	for (size_t i = 1; i < view->section_cnt; i++) {
		const struct elf_section *section = &view->sections[i];
		size_t len = strlen(section->name);

		if (len >= sizeof(suffix) - 1 && section->type != SHT_NOBITS &&
			strcmp(section->name + len - (sizeof(suffix) - 1), suffix) == 0)
			return section;
	}
	return NULL;
}

static bool read_header(struct go_table *table)
{
	struct header header;
	uint64_t bytes = table->end - table->start;

	if (bytes < sizeof(header) ||
		!elf_cache__read(table->cache, &header, sizeof(header), table->start) ||
		(header.magic != MAGIC_118 && header.magic != MAGIC_120) || header.pad[0] ||
		header.pad[1] || header.pointer_bytes != 8 || header.code_unit == 0)
		return false;
	if (header.names > bytes || header.units > bytes || header.files > bytes ||
		header.pcs > bytes || header.functions > bytes ||
		header.function_cnt > (bytes - header.functions) / 8)
		return false;
	table->version = header.magic == MAGIC_118 ? 118 : 120;
	table->code_unit = header.code_unit;
	table->function_cnt = header.function_cnt;
	table->names = table->start + header.names;
	table->units = table->start + header.units;
	table->files = table->start + header.files;
	table->pcs = table->start + header.pcs;
	table->functions = table->start + header.functions;
	table->module.text = header.text;
	return true;
}

int go_table__open(struct go_table *table, const struct elf_view *view, uint64_t bytes_max)
{
	const struct elf_section *section = find_section(view), *text;
	int err;

	if (!section)
		return -ENOENT;
	*table = (struct go_table){
		.view = view,
		.start = section->offset,
		.end = section->offset + section->size,
		.steps = STEPS_MAX,
	};
	table->cache = elf_cache__new(view);
	if (!table->cache)
		return -ENOMEM;
	if (!read_header(table)) {
		go_table__close(table);
		return -ENOENT;
	}
	/* moduledata has had covctrs and ecovctrs before gofunc since Go 1.20. */
	err = go_module__find(
		view, section->address, table->version == 118 ? 38 : 40, bytes_max, &table->module);
	if (err == -ENOMEM) {
		go_table__close(table);
		return err;
	}
	if (err == 0)
		table->inline_trees = file_offset(view, table->module.gofunc);
	text = elf_view__find(view, ".text");
	if (table->module.text == 0 && text)
		table->module.text = text->address;
	return 0;
}

void go_table__close(struct go_table *table)
{
	elf_cache__free(table->cache);
	table->cache = NULL;
}

/* What lies in the section; false: not there. */
static bool get(struct go_table *table, void *buf, size_t bytes, uint64_t offset)
{
	return offset >= table->start && offset <= table->end && bytes <= table->end - offset &&
	       elf_cache__read(table->cache, buf, bytes, offset);
}

static bool read_function(struct go_table *table, uint64_t record, struct go_function *ret)
{
	size_t fixed_bytes = table->version == 118 ? 40 : 44;
	uint32_t words[11], tree;
	uint64_t funcdata;

	if (!get(table, words, fixed_bytes, record))
		return false;
	/* entryOff nameOff args deferreturn pcsp pcfile pcln npcdata cuOffset [startLine] bytes */
	*ret = (struct go_function){
		.entry = table->module.text + words[0],
		.record = record + fixed_bytes,
		.name = words[1],
		.pcfile = words[5],
		.pcline = words[6],
		.pcdata_cnt = words[7],
		.unit = words[8],
		.start_line = table->version == 118 ? 0 : (int32_t)words[9],
		.funcdata_cnt = words[fixed_bytes / 4 - 1] >> 24,
	};
	if (table->inline_trees == 0 || ret->funcdata_cnt <= FUNCDATA_INLTREE)
		return true;
	funcdata = ret->record + (uint64_t)ret->pcdata_cnt * 4;
	if (get(table, &tree, sizeof(tree), funcdata + FUNCDATA_INLTREE * 4) && tree != UINT32_MAX)
		ret->tree = table->inline_trees + tree;
	return true;
}

bool go_table__find(struct go_table *table, uint64_t address, struct go_function *ret)
{
	uint64_t low = 0, high = table->function_cnt, offset = address - table->module.text;
	uint32_t entry[2];

	/* Behind the last function comes an entry for the end of the code. */
	if (high == 0 || address < table->module.text || offset > UINT32_MAX ||
		!get(table, entry, sizeof(entry[0]), table->functions + high * 8) ||
		offset >= entry[0])
		return false;
	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (!get(table, entry, sizeof(entry), table->functions + middle * 8))
			return false;
		if (entry[0] <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 && get(table, entry, sizeof(entry), table->functions + (low - 1) * 8) &&
	       read_function(table, table->functions + entry[1], ret);
}

static bool read_varint(struct go_table *table, uint64_t *at, uint32_t *ret)
{
	uint32_t value = 0;
	uint8_t byte;

	for (unsigned int shift = 0; shift < 35; shift += 7) {
		if (table->steps == 0 || !get(table, &byte, 1, *at))
			return false;
		table->steps--;
		(*at)++;
		value |= (uint32_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*ret = value;
			return true;
		}
	}
	return false;
}

/* The value that a pc table has at pc; -1 when it has none (runtime.pcvalue). */
static int32_t pc_value(struct go_table *table, uint32_t offset, uint64_t entry, uint64_t pc)
{
	uint64_t at = table->pcs + offset, end = entry;
	uint32_t value = UINT32_MAX, delta;

	if (offset == 0)
		return -1;
	for (bool first = true;; first = false) {
		if (!read_varint(table, &at, &delta) || (delta == 0 && !first))
			return -1;
		value += delta & 1 ? ~(delta >> 1) : delta >> 1;
		if (!read_varint(table, &at, &delta))
			return -1;
		end += (uint64_t)delta * table->code_unit;
		if (pc < end)
			return value;
	}
}

static void read_place(struct go_table *table, const struct go_function *function, uint64_t pc,
	struct go_frame *ret)
{
	int32_t file = pc_value(table, function->pcfile, function->entry, pc);
	int32_t line = pc_value(table, function->pcline, function->entry, pc);
	uint32_t offset;

	ret->file[0] = '\0';
	ret->line = line > 0 ? line : 0;
	if (file < 0 ||
		!get(table, &offset, sizeof(offset),
			table->units + ((uint64_t)function->unit + file) * 4) ||
		offset == UINT32_MAX)
		return;
	if (elf_cache__text(table->cache, ret->file, sizeof(ret->file), table->files + offset,
		    table->end) == 0)
		ret->file[0] = '\0';
}

/* An entry of an inline tree: which function was inlined, and where. */
static bool read_call(struct go_table *table, const struct go_function *function, int32_t index,
	uint32_t *ret_name, uint32_t *ret_parent, uint32_t *ret_start_line)
{
	/* 1.18: parent+funcID, file, line, name, parentPc. 1.20: funcID, name, parentPc,
	 * startLine. */
	size_t bytes = table->version == 118 ? 20 : 16;
	uint32_t words[5];

	if (!elf_cache__read(table->cache, words, bytes, function->tree + (uint64_t)index * bytes))
		return false;
	*ret_name = words[table->version == 118 ? 3 : 1];
	*ret_parent = words[table->version == 118 ? 4 : 2];
	*ret_start_line = table->version == 118 ? 0 : words[3];
	return true;
}

bool go_table__frame(struct go_table *table, const struct go_function *function, uint64_t *pc,
	struct go_frame *ret, bool *last)
{
	uint32_t name = function->name, parent = 0, offset;
	uint32_t start_line = function->start_line;
	int32_t index = -1;

	if (function->tree && function->pcdata_cnt > PCDATA_INLTREE &&
		get(table, &offset, sizeof(offset), function->record + PCDATA_INLTREE * 4))
		index = pc_value(table, offset, function->entry, *pc);
	if (index >= 0 && !read_call(table, function, index, &name, &parent, &start_line))
		return false;
	if (elf_cache__text(table->cache, ret->name, sizeof(ret->name), table->names + name,
		    table->end) == 0)
		return false;
	read_place(table, function, *pc, ret);
	ret->start_line = start_line > INT32_MAX ? 0 : start_line;
	*last = index < 0;
	*pc = function->entry + parent;
	return true;
}
