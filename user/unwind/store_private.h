/* SPDX-License-Identifier: GPL-2.0 */
/* The inside of the store of unwind tables, for its own files alone. */
#ifndef UNWIND_STORE_PRIVATE_H
#define UNWIND_STORE_PRIVATE_H

#include "process/slots.h"
#include "unwind/cfi.h"
#include "unwind/chunks.h"
#include "unwind/store.h"

/* What is known of one file's table. */
struct table_state {
	const char *reason; /* refused; else NULL */
	uint32_t used_turn;
	uint32_t row_cnt;
	bool is_queued;
	bool is_urgent;
	bool has_no_room;
	bool is_waiting; /* for the next turn: programs may still read what was evicted */
};

struct unwind_store {
	struct unwind_store_maps maps;
	const struct files *files;
	struct unwind_rules *rules;
	uint32_t rule_cnt; /* copied to the kernel */
	struct chunks *chunks;
	struct slots *page_slots;
	struct table_state *states; /* by file id */
	uint32_t *queue;            /* file ids, a ring of file_max */
	uint32_t queue_first, queue_cnt;
	struct cfi_parser *parser; /* of the file being built */
	uint32_t building;         /* its id; 0: none */
	struct unwind_table
		*placing; /* what was built; its pages below placed_cnt are in the kernel */
	uint32_t placed_cnt, placing_first_page;
	uint32_t epoch;
	uint32_t turn;
	uint32_t evicted_cnt;
	uint64_t build_ns;
	bool is_saving; /* memory: nothing is built ahead of time */
};

/* BPF reads state first: everything else of the file is in place before it says READY. */
void file__set_state(struct unwind_store *store, uint32_t id, uint32_t state);
/* From the next turn on the file can be asked for again. */
void file__wait_turn(struct unwind_store *store, uint32_t id);
void table__refuse(struct unwind_store *store, uint32_t id, const char *reason);
/* No room now: tried again in a while, when others may have gone. */
void table__no_room(struct unwind_store *store, uint32_t id);
/* Evicts the table that has not been used for longest. False: all are in use. */
bool store__evict_oldest(struct unwind_store *store);

#endif
