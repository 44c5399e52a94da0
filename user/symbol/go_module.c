// SPDX-License-Identifier: GPL-2.0
/* Finds runtime.firstmoduledata: the words whose first is the address of .gopclntab. */
#include "symbol/go_module.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "symbol/elf_view.h"

/* Positions in words, the same from Go 1.18 to 1.26 (runtime/symtab.go). */
#define MODULE_MINPC 20
#define MODULE_TEXT  22
#define WORDS_MAX    64
#define PLACES_MAX   8 /* that hold the address of .gopclntab */

/* Words of a would-be moduledata, by position. */
struct words {
	uint64_t address;
	uint64_t words[WORDS_MAX];
};

static bool accept(const struct elf_view *view, const struct words *words,
	unsigned int gofunc_index, struct go_module *ret)
{
	uint64_t text = words->words[MODULE_TEXT];
	const struct elf_section *code = elf_view__code_at(view, text);

	if (!code || words->words[MODULE_MINPC] < text ||
		words->words[MODULE_MINPC] - code->address >= code->size)
		return false;
	*ret = (struct go_module){text, words->words[gofunc_index]};
	return true;
}

/* In a program at a fixed address, or one that the Go linker made, the words are in the file. */
static int find_in_data(const struct elf_view *view, const struct elf_section *section,
	uint64_t pclntab, unsigned int gofunc_index, uint64_t bytes_max, struct go_module *ret)
{
	struct elf_stream *stream = elf_stream__new(view, section, sizeof(uint64_t), bytes_max);
	const uint64_t *word;
	int err = -ENOENT;

	if (!stream)
		return -ENOMEM;
	for (uint64_t i = 0; err == -ENOENT && (word = elf_stream__next(stream)); i++) {
		struct words words = {0};

		if (*word == pclntab &&
			elf_view__read(view, words.words, sizeof(words.words),
				section->offset + i * sizeof(*word)) > 0 &&
			accept(view, &words, gofunc_index, ret))
			err = 0;
	}
	err = stream->err ? stream->err : err;
	free(stream);
	return err;
}

/* In a position independent program of another linker they are addends of relocations: the first
 * pass finds the places, the second one their words. */
static int read_relocations(const struct elf_view *view, const struct elf_section *section,
	uint64_t pclntab, uint64_t bytes_max, struct words *places, unsigned int *place_cnt,
	bool second)
{
	struct elf_stream *stream = elf_stream__new(view, section, sizeof(Elf64_Rela), bytes_max);
	const Elf64_Rela *rela;
	int err;

	if (!stream)
		return -ENOMEM;
	while ((rela = elf_stream__next(stream))) {
		if (ELF64_R_SYM(rela->r_info) != 0)
			continue;
		if (!second && (uint64_t)rela->r_addend == pclntab && *place_cnt < PLACES_MAX)
			places[(*place_cnt)++].address = rela->r_offset;
		for (unsigned int i = 0; second && i < *place_cnt; i++) {
			uint64_t distance = rela->r_offset - places[i].address;

			if (distance % 8 == 0 && distance / 8 < WORDS_MAX)
				places[i].words[distance / 8] = rela->r_addend;
		}
	}
	err = stream->err;
	free(stream);
	return err;
}

static int find_in_relocations(const struct elf_view *view, uint64_t pclntab,
	unsigned int gofunc_index, uint64_t bytes_max, struct go_module *ret)
{
	struct words places[PLACES_MAX] = {0};
	unsigned int place_cnt = 0;

	for (unsigned int pass = 0; pass < 2; pass++) {
		for (size_t i = 1; i < view->section_cnt; i++) {
			const struct elf_section *section = &view->sections[i];
			int err;

			if (section->type != SHT_RELA || !(section->flags & SHF_ALLOC))
				continue;
			err = read_relocations(
				view, section, pclntab, bytes_max, places, &place_cnt, pass == 1);
			if (err)
				return err;
		}
		if (place_cnt == 0)
			return -ENOENT;
	}
	for (unsigned int i = 0; i < place_cnt; i++)
		if (accept(view, &places[i], gofunc_index, ret))
			return 0;
	return -ENOENT;
}

int go_module__find(const struct elf_view *view, uint64_t pclntab, unsigned int gofunc_index,
	uint64_t bytes_max, struct go_module *ret)
{
	for (size_t i = 1; i < view->section_cnt; i++) {
		const struct elf_section *section = &view->sections[i];
		int err;

		if (section->type != SHT_PROGBITS ||
			(section->flags & (SHF_ALLOC | SHF_WRITE)) != (SHF_ALLOC | SHF_WRITE))
			continue;
		err = find_in_data(view, section, pclntab, gofunc_index, bytes_max, ret);
		if (err != -ENOENT)
			return err;
	}
	return find_in_relocations(view, pclntab, gofunc_index, bytes_max, ret);
}
