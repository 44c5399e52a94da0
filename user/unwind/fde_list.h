/* SPDX-License-Identifier: GPL-2.0 */
/* The FDEs of a file in the order of their addresses: 8 bytes each. */
#ifndef UNWIND_FDE_LIST_H
#define UNWIND_FDE_LIST_H

#include <stdbool.h>
#include <stdint.h>

/* A key is the begin address relative to the lowest code address in the upper half, then one bit
 * for .debug_frame, then the record's offset: so FDEs of one address keep the order of their
 * sections. */
struct fde_list {
	uint64_t *keys;
	uint64_t *scratch; /* while sorting */
	uint32_t cnt;
	uint32_t room;
	uint32_t max;
	unsigned int sorted_passes;
	bool is_sorted;
};

#define FDE_OFFSET_MAX ((1ull << 31) - 1)

void fde_list__open(struct fde_list *list, uint32_t max);
void fde_list__close(struct fde_list *list);

/* 0, -E2BIG above max, -ENOMEM. offset <= FDE_OFFSET_MAX. */
int fde_list__add(struct fde_list *list, uint32_t begin, bool is_debug_frame, uint32_t offset);

/* Sorts in passes of linear time. 1: call again, 0: done, -ENOMEM. */
int fde_list__sort_step(struct fde_list *list);

/* Whether the FDE before it in the list begins at the same address. */
bool fde_list__is_duplicate(const struct fde_list *list, uint32_t index);

/* Where the next FDE takes over; one of .debug_frame does not take over from one of .eh_frame.
 * false: none does. Over a walk through the list this takes linear time. */
bool fde_list__next_begin(const struct fde_list *list, uint32_t index, uint32_t *ret_begin);

static inline uint32_t fde_key__begin(uint64_t key)
{
	return key >> 32;
}

static inline bool fde_key__is_debug_frame(uint64_t key)
{
	return key >> 31 & 1;
}

static inline uint32_t fde_key__offset(uint64_t key)
{
	return key & FDE_OFFSET_MAX;
}

#endif
