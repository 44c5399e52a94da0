/* SPDX-License-Identifier: GPL-2.0 */
/* Small reads all over a large ELF file, through a few pages that are kept. */
#ifndef SYMBOL_ELF_CACHE_H
#define SYMBOL_ELF_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf_view;
struct elf_cache;

/* The view must outlive the cache. NULL: out of memory. */
struct elf_cache *elf_cache__new(const struct elf_view *view);
void elf_cache__free(struct elf_cache *cache);
/* Exactly bytes at a file offset; false: they are not there. */
bool elf_cache__read(struct elf_cache *cache, void *buf, size_t bytes, uint64_t offset);
/* The NUL-terminated text at a file offset, before `end`; its length; 0: none, or longer than
 * buf_bytes - 1. */
size_t elf_cache__text(
	struct elf_cache *cache, char *buf, size_t buf_bytes, uint64_t offset, uint64_t end);

#endif
