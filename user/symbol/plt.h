/* SPDX-License-Identifier: GPL-2.0 */
/* Names for the stubs through which a file calls others: `malloc@plt`. */
#ifndef SYMBOL_PLT_H
#define SYMBOL_PLT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf_view;
struct symbol_batch;

/* What a stub jumps through. */
struct plt_target {
	bool by_index;    /* of .rela.plt, as lazy binding pushes it */
	uint64_t address; /* of the slot in the global offset table, or the index */
};

/* Decoders of one stub: code[len] starts at address `start`; pc lies inside of it. false: not a
 * stub. */
bool plt_x86__decode(
	const uint8_t *code, size_t len, uint64_t start, uint64_t pc, struct plt_target *ret);
bool plt_arm64__decode(
	const uint8_t *code, size_t len, uint64_t start, uint64_t pc, struct plt_target *ret);

/* Names the locations without lines that lie in stubs. 0, -EIO, -ENOMEM. */
int plt__set_names(struct symbol_batch *batch, const struct elf_view *view);

#endif
