/* SPDX-License-Identifier: GPL-2.0 */
/* The best ELF symbol for each of a batch's addresses, from tables that are read once and not
 * kept. */
#ifndef SYMBOL_ELF_SEARCH_H
#define SYMBOL_ELF_SEARCH_H

#include <stddef.h>
#include <stdint.h>

struct elf_search;
struct elf_section;
struct elf_view;
struct symbol_batch;

#define ELF_NAME_BYTES_MAX 4096

struct elf_search *elf_search__new(struct symbol_batch *batch);
void elf_search__free(struct elf_search *search);
/* Lets the symbols of a file's .symtab and .dynsym compete. The view must stay open until the names
 * are set. -EFBIG, -E2BIG (too many symbols for too many addresses), -EIO, -ENOMEM: what was read
 * until then counts. */
int elf_search__add(struct elf_search *search, const struct elf_view *view);
/* Names the locations that have no lines yet. 0, -ENOMEM. */
int elf_search__set_names(struct elf_search *search);

/* A NUL-terminated string of a string table, cut at ELF_NAME_BYTES_MAX; its length, 0 when it
 * cannot be read. */
size_t elf_name__read(const struct elf_view *view, const struct elf_section *strings,
	uint32_t offset, char buf[ELF_NAME_BYTES_MAX + 1]);
/* The length of a name without its "@VERSION" or "@@VERSION". */
size_t elf_name__without_version(const char *name, size_t len);

#endif
