/* SPDX-License-Identifier: GPL-2.0 */
/* Which unwind rule holds at an address of a file. */
#ifndef BPF_UNWIND_BPF_H
#define BPF_UNWIND_BPF_H

#include "scratch.bpf.h"
#include "unwind.h"

#define ROW_SEARCH_STEPS 17 /* 65,536 rows a page */

/* By file id. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 16384);
	__type(key, u32);
	__type(value, struct unwind_file);
} unwind_files SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 65536);
	__type(key, u32);
	__type(value, struct unwind_page_rows);
} unwind_pages SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 65536); /* UNWIND_RULES_MAX */
	__type(key, u32);
	__type(value, struct unwind_rule);
} unwind_rules SEC(".maps");

struct unwind_chunk {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, UNWIND_CHUNK_BLOCKS);
	/* sizes, not types: clang leaves types out of BTF that are only pointed to from a map inside a map */
	__uint(key_size, sizeof(u32));
	__uint(value_size, sizeof(struct unwind_block));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 80);
	__type(key, u32);
	__array(values, struct unwind_chunk);
} unwind_chunks SEC(".maps");

/* Asks the daemon for a file's table, once. */
static __always_inline void unwind__request(struct unwind_file *file, u32 file_id)
{
	struct unwind_request request = {.file_id = file_id};

	if (__sync_val_compare_and_swap(&file->state, UNWIND_NEW, UNWIND_WANTED) != UNWIND_NEW)
		return;
	if (bpf_ringbuf_output(&stack_ring, &request, sizeof(request), BPF_RB_FORCE_WAKEUP))
		file->state = UNWIND_NEW; /* the next stack asks again */
}

/* The rule of the last row that does not lie behind offset; UNWIND_CFA_NONE's rule 0 when there is none. A block is looked
 * up once: the last steps, within one, are plain reads. */
static __always_inline u32 unwind__search(void *chunk, u32 first, u32 cnt, u32 offset)
{
	u32 low = first, high = first + cnt, rule = 0, have = ~0u, i;
	struct unwind_block *block = NULL;

	for (i = 0; i < ROW_SEARCH_STEPS && low < high; i++) {
		u32 middle = low + (high - low) / 2, block_index = middle / UNWIND_BLOCK_ROWS;
		struct unwind_row row;

		if (block_index != have)
			block = bpf_map_lookup_elem(chunk, &block_index);
		if (!block)
			return 0;
		have = block_index;
		row = block->rows[middle % UNWIND_BLOCK_ROWS];
		if (row.offset <= offset) {
			rule = row.rule;
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return rule;
}

/* The number of the rule at an ELF address of a file whose table is ready. 0: no code is known there. */
static __always_inline u32 unwind__look_up(struct unwind_file *file, u64 addr)
{
	u32 number = addr >> UNWIND_PAGE_SHIFT, index, chunk_index;
	struct unwind_page_rows *page;
	void *chunk;

	index = number - file->first_number;
	if (index >= file->page_cnt)
		return 0;
	index += file->first_page;
	page = bpf_map_lookup_elem(&unwind_pages, &index);
	if (!page || !page->cnt)
		return 0;
	chunk_index = page->row / UNWIND_CHUNK_ROWS;
	chunk = bpf_map_lookup_elem(&unwind_chunks, &chunk_index);
	if (!chunk)
		return 0;
	return unwind__search(
		chunk, page->row % UNWIND_CHUNK_ROWS, page->cnt, addr & (UNWIND_PAGE_BYTES - 1));
}

/* The rule at an ELF address of walk->row's file. NULL: no code is known there. */
static __always_inline struct unwind_rule *unwind__find(
	struct walk *walk, struct unwind_file *file, u64 addr)
{
	u64 frame = FRAME_FILE | (u64)walk->row.file_id << FRAME_ADDR_BITS |
		    (addr & FRAME_ADDR_MASK);
	u32 index = frame * HASH_MULTIPLIER >> (64 - RULES_CACHED_BITS), rule;
	struct cached_rule *cached = &walk->rules[index & (RULES_CACHED - 1)];

	if (cached->frame == frame) {
		rule = cached->rule;
	} else {
		rule = unwind__look_up(file, addr);
		if (!rule)
			return NULL;
		cached->frame = frame;
		cached->rule = rule;
	}
	return bpf_map_lookup_elem(&unwind_rules, &rule);
}

#endif
