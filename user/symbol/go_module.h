/* SPDX-License-Identifier: GPL-2.0 */
/* A Go program's moduledata: where its tables are when the symbols that told are stripped. */
#ifndef SYMBOL_GO_MODULE_H
#define SYMBOL_GO_MODULE_H

#include <stdint.h>

struct elf_view;

/* Addresses as in the ELF file. */
struct go_module {
	uint64_t text;   /* what .gopclntab counts code from */
	uint64_t gofunc; /* what it counts inline trees from */
};

/* pclntab: address of .gopclntab; gofunc_index: position of moduledata.gofunc in words. -ENOENT:
 * not found; -EIO, -ENOMEM. */
int go_module__find(const struct elf_view *view, uint64_t pclntab, unsigned int gofunc_index,
	uint64_t bytes_max, struct go_module *ret);

#endif
