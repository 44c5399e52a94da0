// SPDX-License-Identifier: GPL-2.0
/* Decodes PLT stubs and finds the relocations that fill what they jump through. */
#include "symbol/plt.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "symbol/elf_search.h"
#include "symbol/elf_view.h"
#include "symbol/source.h"

struct stub {
	struct plt_target target;
	struct symbol_location *location;
};

struct stubs {
	struct symbol_batch *batch;
	const struct elf_view *view;
	struct stub *stubs; /* sorted by target */
	size_t cnt;
};

static int compare(const void *a, const void *b)
{
	const struct plt_target *x = &((const struct stub *)a)->target;
	const struct plt_target *y = &((const struct stub *)b)->target;

	if (x->by_index != y->by_index)
		return x->by_index ? -1 : 1;
	return x->address < y->address ? -1 : x->address > y->address;
}

static bool decode(const struct elf_view *view, const struct elf_section *section, uint64_t address,
	struct plt_target *ret)
{
	bool x86 = view->machine == EM_X86_64;
	uint64_t start, offset = address - section->address;
	uint8_t code[48];
	int64_t n;

	/* x86 stubs are aligned to their size; arm64's may be 24 bytes long behind a header of
	 * 32, but show where they begin: 20 bytes before the pc are enough. */
	if (x86)
		offset -= offset % (section->entry_bytes == 8 ? 8 : 16);
	else
		offset = offset > 20 ? (offset & ~3ull) - 20 : 0;
	start = section->address + offset;
	n = elf_view__read(view, code, x86 ? 16 : sizeof(code), section->offset + offset);
	if (n <= 0)
		return false;
	if (x86)
		return plt_x86__decode(code, n, start, address, ret);
	return view->machine == EM_AARCH64 && plt_arm64__decode(code, n, start, address, ret);
}

static int find_stubs(struct stubs *stubs)
{
	for (size_t i = 0; i < stubs->batch->cnt; i++) {
		struct symbol_location *location = &stubs->batch->locations[i];
		const struct elf_section *section;
		struct stub stub = {.location = location}, *bigger;

		if (location->line_cnt)
			continue;
		section = elf_view__code_at(stubs->view, location->address);
		if (!section || section->type == SHT_NOBITS ||
			(strncmp(section->name, ".plt", 4) != 0 &&
				strcmp(section->name, ".iplt") != 0) ||
			!decode(stubs->view, section, location->address, &stub.target))
			continue;
		if ((stubs->cnt & (stubs->cnt - 1)) == 0) {
			bigger = reallocarray(
				stubs->stubs, stubs->cnt ? stubs->cnt * 2 : 1, sizeof(*bigger));
			if (!bigger)
				return -ENOMEM;
			stubs->stubs = bigger;
		}
		stubs->stubs[stubs->cnt++] = stub;
	}
	if (stubs->cnt)
		qsort(stubs->stubs, stubs->cnt, sizeof(*stubs->stubs), compare);
	return 0;
}

/* "name@plt"; for a relocation without symbol "*ABS*+0x1234@plt", as objdump and gdb print it. */
static size_t format_name(const struct elf_view *view, const struct elf_section *relocations,
	const Elf64_Rela *rela, char *buf, size_t buf_bytes)
{
	uint32_t index = ELF64_R_SYM(rela->r_info);
	const struct elf_section *symbols;
	char name[ELF_NAME_BYTES_MAX + 1];
	Elf64_Sym symbol;
	size_t len;

	if (index == 0)
		return snprintf(buf, buf_bytes, "*ABS*+0x%" PRIx64 "@plt", rela->r_addend);
	if (relocations->link >= view->section_cnt)
		return 0;
	symbols = &view->sections[relocations->link];
	if (symbols->type != SHT_DYNSYM || symbols->link >= view->section_cnt ||
		index >= symbols->size / sizeof(symbol) ||
		view->sections[symbols->link].type == SHT_NOBITS)
		return 0;
	if (elf_view__read(view, &symbol, sizeof(symbol),
		    symbols->offset + index * sizeof(symbol)) != sizeof(symbol))
		return 0;
	len = elf_name__read(view, &view->sections[symbols->link], symbol.st_name, name);
	len = elf_name__without_version(name, len);
	return len ? snprintf(buf, buf_bytes, "%.*s@plt", (int)len, name) : 0;
}

/* A stub's function is shown demangled too: "operator new(unsigned long)@plt". */
static int name_stub(
	struct symbol_batch *batch, struct symbol_location *location, const char *name, size_t len)
{
	struct symbol_line line = {0}, full = {0};
	char text[2 * ELF_NAME_BYTES_MAX];
	int err;

	err = symbol_batch__fill_names(batch, &full, name, len);
	err = err ? err : symbol_batch__fill_names(batch, &line, name, len - strlen("@plt"));
	if (err)
		return err;
	if (line.function != line.system_name) {
		snprintf(text, sizeof(text), "%s@plt", line.function);
		err = symbol_batch__fill_names(batch, &line, text, strlen(text));
		if (err)
			return err;
		full.function = line.function;
	}
	return symbol_batch__set_lines(batch, location, &full, 1);
}

static int match(struct stubs *stubs, const struct elf_section *relocations, const Elf64_Rela *rela,
	struct plt_target target)
{
	char name[ELF_NAME_BYTES_MAX + 8];
	struct stub key = {.target = target};
	struct stub *stub, *end = stubs->stubs + stubs->cnt;
	size_t len;

	stub = bsearch(&key, stubs->stubs, stubs->cnt, sizeof(key), compare);
	if (!stub)
		return 0;
	while (stub > stubs->stubs && compare(stub - 1, &key) == 0)
		stub--;
	len = format_name(stubs->view, relocations, rela, name, sizeof(name));
	for (; len && stub < end && compare(stub, &key) == 0; stub++) {
		int err = 0;

		if (stub->location->line_cnt == 0)
			err = name_stub(stubs->batch, stub->location, name, len);
		if (err)
			return err;
	}
	return 0;
}

static int read_relocations(struct stubs *stubs, const struct elf_section *section)
{
	bool is_plt = strcmp(section->name, ".rela.plt") == 0;
	const Elf64_Rela *rela;
	struct elf_stream *stream;
	int err = 0;

	stream = elf_stream__new(
		stubs->view, section, sizeof(*rela), stubs->batch->options->file_bytes_max);
	if (!stream)
		return -ENOMEM;
	for (uint64_t i = 0; err == 0 && (rela = elf_stream__next(stream)); i++) {
		err = match(stubs, section, rela, (struct plt_target){false, rela->r_offset});
		if (err == 0 && is_plt)
			err = match(stubs, section, rela, (struct plt_target){true, i});
	}
	err = err ? err : stream->err;
	free(stream);
	return err;
}

int plt__set_names(struct symbol_batch *batch, const struct elf_view *view)
{
	struct stubs stubs = {.batch = batch, .view = view};
	int err = find_stubs(&stubs);

	for (size_t i = 1; err == 0 && stubs.cnt && i < view->section_cnt; i++)
		if (view->sections[i].type == SHT_RELA && view->sections[i].flags & SHF_ALLOC)
			err = read_relocations(&stubs, &view->sections[i]);
	free(stubs.stubs);
	return err;
}
