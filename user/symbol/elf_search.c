// SPDX-License-Identifier: GPL-2.0
/* Streams ELF symbol tables past the addresses of a batch; each address keeps its best
 * candidate. */
#include "symbol/elf_search.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "symbol/elf_view.h"
#include "symbol/source.h"

#define TABLES_MAX 8
/* A file whose symbols overlap without end costs no more than this. A comparison of names counts
 * for many steps, since the names are read from the file. */
#define STEPS_MAX       (1u << 24)
#define STEPS_COMPARING 64

struct table {
	const struct elf_view *view;
	const struct elf_section *strings;
};

struct candidate {
	uint64_t value;
	uint64_t size;
	uint32_t name; /* offset in the table's strings */
	uint8_t table; /* index + 1; 0: no candidate */
	uint8_t rank;  /* smaller is better */
	uint16_t section;
};

/* Per location. */
struct slot {
	struct candidate
		covering;         /* the one with the highest value whose size covers the address */
	struct candidate nearest; /* highest value at or below; carried to later slots at the end */
};

struct elf_search {
	struct symbol_batch *batch;
	struct slot *slots;
	struct table tables[TABLES_MAX];
	unsigned int table_cnt;
	unsigned int steps;
};

struct elf_search *elf_search__new(struct symbol_batch *batch)
{
	struct elf_search *search = calloc(1, sizeof(*search));

	if (!search)
		return NULL;
	search->batch = batch;
	search->slots = calloc(batch->cnt ? batch->cnt : 1, sizeof(*search->slots));
	if (!search->slots) {
		free(search);
		return NULL;
	}
	return search;
}

void elf_search__free(struct elf_search *search)
{
	if (!search)
		return;
	free(search->slots);
	free(search);
}

size_t elf_name__read(const struct elf_view *view, const struct elf_section *strings,
	uint32_t offset, char buf[ELF_NAME_BYTES_MAX + 1])
{
	/* Most names are short: one small read gets them. */
	for (size_t want = 128;; want = ELF_NAME_BYTES_MAX) {
		const char *end;
		int64_t n;

		if (offset >= strings->size)
			return 0;
		if (want > strings->size - offset)
			want = strings->size - offset;
		n = elf_view__read(view, buf, want, strings->offset + offset);
		if (n <= 0)
			return 0;
		end = memchr(buf, '\0', n);
		if (end)
			return end - buf;
		if ((size_t)n < want || want != 128) {
			buf[n] = '\0';
			return n;
		}
	}
}

size_t elf_name__without_version(const char *name, size_t len)
{
	const char *at = memchr(name, '@', len);
	size_t i;

	if (!at || at == name)
		return len;
	i = at - name + 1;
	i += i < len && name[i] == '@';
	if (i == len)
		return len;
	for (; i < len; i++) {
		char c = name[i];

		if (!(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') &&
			c != '_' && c != '.')
			return len;
	}
	return at - name;
}

static size_t leading_underscores(const char *name)
{
	return strspn(name, "_");
}

/* By the names of two symbols that nothing else tells apart. */
static bool has_better_name(
	struct elf_search *search, const struct candidate *a, const struct candidate *b)
{
	const struct table *a_table = &search->tables[a->table - 1];
	const struct table *b_table = &search->tables[b->table - 1];
	char a_name[ELF_NAME_BYTES_MAX + 1], b_name[ELF_NAME_BYTES_MAX + 1];
	size_t a_len, b_len, a_bare, b_bare;
	bool a_hidden, b_hidden;

	search->steps += STEPS_COMPARING;
	a_len = elf_name__read(a_table->view, a_table->strings, a->name, a_name);
	b_len = elf_name__read(b_table->view, b_table->strings, b->name, b_name);
	if (a_len == 0 || b_len == 0)
		return a_len > b_len;
	a_bare = elf_name__without_version(a_name, a_len);
	b_bare = elf_name__without_version(b_name, b_len);
	/* name@VER is a version for old programs only; name@@VER is the default. */
	a_hidden = a_bare < a_len && a_name[a_bare + 1] != '@';
	b_hidden = b_bare < b_len && b_name[b_bare + 1] != '@';
	if (a_hidden != b_hidden)
		return b_hidden;
	a_name[a_bare] = b_name[b_bare] = '\0';
	if (leading_underscores(a_name) != leading_underscores(b_name))
		return leading_underscores(a_name) < leading_underscores(b_name);
	if (a_bare != b_bare)
		return a_bare < b_bare;
	return strcmp(a_name, b_name) < 0;
}

/*
 * Of symbols that begin at different addresses the later one is the inner one and wins. Of aliases:
 * one with a size over one without, a function over an untyped label, an exported one (global or
 * weak: `write` is the weak alias of `__write`) over a local one, the default version over a hidden
 * one, fewer leading underscores, the shorter name, the first in the alphabet. It is the name that
 * programs call.
 */
static bool is_better(
	struct elf_search *search, const struct candidate *a, const struct candidate *b)
{
	if (b->table == 0)
		return true;
	if (a->value != b->value)
		return a->value > b->value;
	if ((a->size != 0) != (b->size != 0))
		return a->size != 0;
	if (a->rank != b->rank)
		return a->rank < b->rank;
	if (a->table == b->table && a->name == b->name)
		return false;
	return has_better_name(search, a, b);
}

/* Index of the first location at or above address. */
static size_t lower_bound(const struct symbol_batch *batch, uint64_t address)
{
	size_t low = 0, high = batch->cnt;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (batch->locations[middle].address < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int add_candidate(struct elf_search *search, const struct candidate *candidate)
{
	const struct symbol_batch *batch = search->batch;
	size_t i = lower_bound(batch, candidate->value);

	if (i == batch->cnt)
		return 0;
	if (is_better(search, candidate, &search->slots[i].nearest))
		search->slots[i].nearest = *candidate;
	for (; i < batch->cnt && batch->locations[i].address - candidate->value < candidate->size;
		i++) {
		if (is_better(search, candidate, &search->slots[i].covering))
			search->slots[i].covering = *candidate;
		search->steps++;
		if (search->steps > STEPS_MAX)
			return -E2BIG;
	}
	return search->steps > STEPS_MAX ? -E2BIG : 0;
}

/* arm64, arm and riscv mark code and data inside of functions with local labels $x, $d, $a, $t. */
static bool is_mapping_symbol(const struct table *table, uint32_t name)
{
	char c = 0;

	if (table->view->machine == EM_X86_64)
		return false;
	return name < table->strings->size &&
	       elf_view__read(table->view, &c, 1, table->strings->offset + name) == 1 && c == '$';
}

static bool make_candidate(
	const struct table *table, const Elf64_Sym *symbol, bool hidden, struct candidate *ret)
{
	const struct elf_view *view = table->view;
	unsigned int type = ELF64_ST_TYPE(symbol->st_info);
	bool local = ELF64_ST_BIND(symbol->st_info) == STB_LOCAL;

	if (type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_NOTYPE)
		return false;
	if (symbol->st_shndx == SHN_UNDEF || symbol->st_shndx >= view->section_cnt ||
		!(view->sections[symbol->st_shndx].flags & SHF_EXECINSTR) || symbol->st_name == 0)
		return false;
	if (type == STT_NOTYPE && local && is_mapping_symbol(table, symbol->st_name))
		return false;
	*ret = (struct candidate){
		.value = symbol->st_value,
		.size = symbol->st_size,
		.name = symbol->st_name,
		.rank = (type == STT_NOTYPE) << 2 | local << 1 | hidden,
		.section = symbol->st_shndx,
	};
	return true;
}

static int add_table(struct elf_search *search, const struct elf_view *view,
	const struct elf_section *symbols, const struct elf_section *versions)
{
	const uint64_t bytes_max = search->batch->options->file_bytes_max;
	struct elf_stream *stream, *version_stream = NULL;
	struct table *table = &search->tables[search->table_cnt];
	const Elf64_Sym *symbol;
	int err = 0;

	if (search->table_cnt == TABLES_MAX || symbols->link >= view->section_cnt ||
		view->sections[symbols->link].type == SHT_NOBITS)
		return 0;
	*table = (struct table){view, &view->sections[symbols->link]};
	search->table_cnt++;
	stream = elf_stream__new(view, symbols, sizeof(*symbol), bytes_max);
	if (versions)
		version_stream = elf_stream__new(
			view, versions, sizeof(Elf64_Half), versions->size);
	if (!stream || (versions && !version_stream))
		err = -ENOMEM;
	while (err == 0 && (symbol = elf_stream__next(stream))) {
		const Elf64_Half *version = version_stream ? elf_stream__next(version_stream)
							   : NULL;
		struct candidate candidate;

		if (!make_candidate(table, symbol, version && *version & 0x8000, &candidate))
			continue;
		candidate.table = search->table_cnt;
		err = add_candidate(search, &candidate);
	}
	if (err == 0 && stream->err)
		err = stream->err;
	if (err == 0 && symbols->size > bytes_max)
		err = -EFBIG;
	free(version_stream);
	free(stream);
	return err;
}

int elf_search__add(struct elf_search *search, const struct elf_view *view)
{
	const struct elf_section *versions = NULL;
	int first_err = 0;

	for (size_t i = 1; i < view->section_cnt; i++)
		if (view->sections[i].type == SHT_GNU_versym)
			versions = &view->sections[i];
	for (size_t i = 1; i < view->section_cnt; i++) {
		const struct elf_section *section = &view->sections[i];
		int err = 0;

		if (section->type == SHT_SYMTAB)
			err = add_table(search, view, section, NULL);
		else if (section->type == SHT_DYNSYM)
			err = add_table(search, view, section, versions);
		first_err = first_err ? first_err : err;
	}
	return first_err;
}

static const struct candidate *choose(
	struct elf_search *search, const struct candidate *nearest, size_t i)
{
	const struct candidate *covering = &search->slots[i].covering;
	const struct elf_section *section;

	if (covering->table)
		return covering;
	if (nearest->table == 0 || nearest->size != 0)
		return NULL;
	/* Without a size (hand-written assembly) a symbol reaches to the next one of its
	 * section. */
	section = &search->tables[nearest->table - 1].view->sections[nearest->section];
	if (search->batch->locations[i].address - section->address >= section->size)
		return NULL;
	return nearest;
}

int elf_search__set_names(struct elf_search *search)
{
	struct candidate nearest = {0}, last = {0};
	const struct symbol_location *named = NULL;

	for (size_t i = 0; i < search->batch->cnt; i++) {
		struct symbol_location *location = &search->batch->locations[i];
		const struct candidate *best;
		const struct table *table;
		char name[ELF_NAME_BYTES_MAX + 1];
		size_t len;
		int err;

		if (search->slots[i].nearest.table)
			nearest = search->slots[i].nearest;
		best = choose(search, &nearest, i);
		if (!best || location->line_cnt)
			continue;
		if (named && best->table == last.table && best->name == last.name) {
			location->lines = named->lines;
			location->line_cnt = named->line_cnt;
			continue;
		}
		table = &search->tables[best->table - 1];
		len = elf_name__read(table->view, table->strings, best->name, name);
		len = elf_name__without_version(name, len);
		if (len == 0)
			continue;
		err = symbol_batch__set_name(search->batch, location, name, len);
		if (err)
			return err;
		last = *best;
		named = location;
	}
	return 0;
}
