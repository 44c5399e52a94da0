/* SPDX-License-Identifier: GPL-2.0 */
/* The unwind tables of all files in the kernel's maps: built in slices, under a budget, least recently used first out. */
#ifndef UNWIND_STORE_H
#define UNWIND_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "process/file.h"
#include "unwind.h"

/* The kernel's maps: shared memory, and the map of chunks by descriptor. */
struct unwind_store_maps {
	struct unwind_file *files;
	uint32_t file_max;
	struct unwind_page_rows *pages;
	uint32_t page_max;
	struct unwind_rule *rules;
	uint32_t rule_max;
	int chunks_fd;
	uint32_t chunk_max;
};

struct unwind_store_stats {
	uint32_t ready_cnt;         /* files with a table */
	uint32_t frame_pointer_cnt; /* files without call frame information */
	uint32_t refused_cnt;       /* files that could not be read */
	uint32_t no_room_cnt;       /* files left out by the budget */
	uint32_t evicted_cnt;
	uint32_t queued_cnt;
	uint32_t rule_cnt;
	uint64_t row_cnt;
	uint64_t chunk_bytes;
	uint64_t build_ns; /* spent on building, in all */
};

struct unwind_store;

/* NULL: out of memory. files must outlive the store. */
struct unwind_store *unwind_store__new(
	const struct unwind_store_maps *maps, const struct files *files);
void unwind_store__free(struct unwind_store *store);

/* Puts a file on the list to build. is_urgent: a stack waits for it; else it may use half of the budget at the most. */
void unwind_store__request(struct unwind_store *store, uint32_t file_id, bool is_urgent);
/* Builds for about budget_ns. True: there is more to do. */
bool unwind_store__work(struct unwind_store *store, uint64_t budget_ns);
/* On: throws every table away, gives their memory back within two turns, and from then on builds only those that stacks wait
 * for, in half of the room that all had. Off: as before. */
void unwind_store__save_memory(struct unwind_store *store, bool on);
/* Once a turn of the drain. Programs enter this epoch now, all earlier ones have been left: what was evicted before may be
 * written over, and uses since the last turn are noted. */
void unwind_store__begin_epoch(struct unwind_store *store, uint32_t epoch);
void unwind_store__stats(const struct unwind_store *store, struct unwind_store_stats *ret);
/* Why a file's table was refused: a static text; NULL: it was not. */
const char *unwind_store__reason(const struct unwind_store *store, uint32_t file_id);

#endif
