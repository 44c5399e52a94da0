/* SPDX-License-Identifier: GPL-2.0 */
/* .gopclntab, the table by which a Go program prints its own stacks: it survives stripping. */
#ifndef SYMBOL_GO_TABLE_H
#define SYMBOL_GO_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "symbol/go_module.h"

struct elf_cache;
struct elf_section;
struct elf_view;

#define GO_TEXT_BYTES_MAX 4096

struct go_table {
	const struct elf_view *view;
	struct elf_cache *cache;
	uint64_t start, end;  /* of the section in the file */
	unsigned int version; /* 118, 120: the Go release that brought the format */
	uint8_t code_unit;    /* bytes that a table of pcs counts in */
	uint64_t function_cnt;
	uint64_t names, units, files, pcs, functions; /* file offsets of its parts */
	struct go_module module;
	uint64_t inline_trees; /* file offset of what module.gofunc points to; 0: not known */
	uint64_t steps;        /* what is left of the budget for decoding */
};

struct go_function {
	uint64_t entry;  /* ELF address */
	uint64_t record; /* file offset of its _func */
	uint32_t name, pcfile, pcline, pcdata_cnt, unit;
	int32_t start_line; /* 0: not known */
	uint8_t funcdata_cnt;
	uint64_t tree; /* file offset of its inline tree; 0: none */
};

/* A place in the source: what was inlined there, or the function itself. */
struct go_frame {
	char name[GO_TEXT_BYTES_MAX];
	char file[GO_TEXT_BYTES_MAX];
	uint32_t line;
	uint32_t start_line;
};

/* -ENOENT: no such table, or of an unknown version; -EIO, -ENOMEM. */
int go_table__open(struct go_table *table, const struct elf_view *view, uint64_t bytes_max);
void go_table__close(struct go_table *table);
bool go_table__find(struct go_table *table, uint64_t address, struct go_function *ret);
/*
 * The place of *pc in function, the innermost call first. *pc then becomes the place in the caller
 * that it was inlined into, and *last tells that there is none. false: the table is broken.
 */
bool go_table__frame(struct go_table *table, const struct go_function *function, uint64_t *pc,
	struct go_frame *ret, bool *last);

#endif
