/* SPDX-License-Identifier: GPL-2.0 */
/* The mappings that locations belong to, in pprof's words. */
#ifndef SYMBOL_MAPPING_H
#define SYMBOL_MAPPING_H

#include <stdint.h>

struct file;
struct symbol_batch;
struct symbol_mapping;
struct symbols;

/* Adds a copy, its strings interned; *ret is its index. 0, -ENOMEM. */
int symbols__add_mapping(
	struct symbols *symbols, const struct symbol_mapping *mapping, uint32_t *ret);
/* Gives every location of a batch without a mapping one. 0, -ENOMEM. */
int symbol_batch__map(struct symbol_batch *batch);
/* Sets the has_ flags of all mappings from the lines of their locations. */
void symbols__flag_mappings(struct symbols *symbols);

#endif
