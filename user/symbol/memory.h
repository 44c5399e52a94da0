/* SPDX-License-Identifier: GPL-2.0 */
/* The memory that the names of one struct symbols live in: given out once, freed together. */
#ifndef SYMBOL_MEMORY_H
#define SYMBOL_MEMORY_H

#include <stddef.h>

struct symbol_memory;

struct symbol_memory *symbol_memory__new(void);
void symbol_memory__free(struct symbol_memory *memory);
/* Zeroed bytes, aligned for any type; NULL: out of memory. */
void *symbol_memory__alloc(struct symbol_memory *memory, size_t bytes);
/*
 * The one copy of text[0 .. len): equal strings give the same pointer. What a reader of a profile
 * must not meet (control characters, bytes that are no UTF-8) becomes '?'. NULL: out of memory.
 */
const char *symbol_memory__intern(struct symbol_memory *memory, const char *text, size_t len);
/* What is held, in bytes. */
size_t symbol_memory__bytes(const struct symbol_memory *memory);

#endif
