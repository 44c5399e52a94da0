/* SPDX-License-Identifier: GPL-2.0 */
/* Names that were looked up before, within a budget: profiles that are written one after the other share most frames. */
#ifndef SYMBOL_CACHE_H
#define SYMBOL_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "symbol/symbols.h"

struct symbol_memory;

struct symbol_cache_stats {
	size_t bytes;
	uint64_t hit_cnt, miss_cnt;
	uint64_t evicted_cnt; /* answers that were thrown away for room */
};

/* bytes_max: 0 keeps nothing. NULL: out of memory. */
struct symbol_cache *symbol_cache__new(size_t bytes_max);
void symbol_cache__free(struct symbol_cache *cache);
/* Forgets everything; counted as evicted. */
void symbol_cache__clear(struct symbol_cache *cache);
void symbol_cache__stats(const struct symbol_cache *cache, struct symbol_cache_stats *ret);

/*
 * Fills lines and function_start of a location whose frame was put before, with copies in memory. *ret_failed: its file
 * could not be read whole. false: not known. cache may be NULL. now_ns: CLOCK_MONOTONIC.
 */
bool symbol_cache__get(struct symbol_cache *cache, struct symbol_location *location,
	struct symbol_memory *memory, uint64_t now_ns, bool *ret_failed);
/* Remembers what is known of a location of the kernel or of a file; also that it has no name. Without memory it does
 * not, which costs time only. */
void symbol_cache__put(struct symbol_cache *cache, const struct symbol_location *location,
	uint64_t now_ns, bool failed);
/* The mapping of the kernel's locations that are kept; NULL: none are. */
void symbol_cache__set_kernel(struct symbol_cache *cache, const struct symbol_mapping *mapping);
const struct symbol_mapping *symbol_cache__kernel(const struct symbol_cache *cache);

#endif
