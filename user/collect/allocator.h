/* SPDX-License-Identifier: GPL-2.0 */
/* The allocator that an ELF file defines: its functions and where a probe on each belongs. */
#ifndef COLLECT_ALLOCATOR_H
#define COLLECT_ALLOCATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heap_maps.h"

#define ALLOCATOR_FUNCTIONS_MAX  96
#define ALLOCATOR_NAME_BYTES_MAX 48

struct allocator_function {
	enum heap_function function;
	char name[ALLOCATOR_NAME_BYTES_MAX]; /* as the file has it, cut */
	bool is_operator;                    /* C++'s new or delete */
	bool nests;                          /* calls another one of these */
	bool is_emulated;                    /* the probe's instruction is, by the kernel */
	uint64_t addr;                       /* as the ELF file states it */
	uint64_t bytes;
	uint64_t offset; /* in the file, of the function */
	uint32_t site;   /* of the probe, from there */
};

struct allocator {
	struct allocator_function functions[ALLOCATOR_FUNCTIONS_MAX];
	uint32_t cnt;
	bool nests; /* any of them does */
};

static inline bool heap_function__frees(enum heap_function function)
{
	return function == HEAP_FREE;
}

/* What a symbol of this name is; false: nothing of an allocator's. A name that is common in other code too (is_local: and the
 * symbol is a file's own) is not taken for one. */
bool allocator__match(
	const char *name, bool is_local, enum heap_function *ret_function, bool *ret_is_operator);

/* Reads the file behind fd. 0; -ENOENT: it defines no allocator (nothing that allocates, or nothing that frees);
 * -ENOEXEC: it is no ELF file of 64 bits. */
int allocator__read(int fd, struct allocator *ret);

/* Tells which functions call which, drops those that only hand on to another one, and chooses the sites. rest of
 * allocator__read(). */
struct elf_code;
void allocator__finish(struct allocator *allocator, const struct elf_code *code);

#endif
