/* SPDX-License-Identifier: GPL-2.0 */
/* Room for rows: chunks of 256 KiB, maps that are made on demand, divided into blocks of 64 rows. */
#ifndef UNWIND_CHUNKS_H
#define UNWIND_CHUNKS_H

#include <stdbool.h>
#include <stdint.h>

#include "unwind.h"

struct chunks;

/* chunks_fd: the kernel's array of maps, of chunk_max entries. NULL: out of memory. */
struct chunks *chunks__new(int chunks_fd, uint32_t chunk_max);
void chunks__free(struct chunks *chunks);
/* Room for row_cnt rows in one chunk. 0 with the row's global number; -ENOSPC: the budget is used up; -errno. */
int chunks__take(struct chunks *chunks, uint32_t row_cnt, uint32_t *ret_row);
/* The room is used again only after chunks__begin_epoch() of a later epoch. */
void chunks__give(struct chunks *chunks, uint32_t row, uint32_t row_cnt, uint32_t epoch);
void chunks__begin_epoch(struct chunks *chunks, uint32_t epoch);
void chunks__write(
	struct chunks *chunks, uint32_t row, const struct unwind_row *rows, uint32_t row_cnt);
/* Room for so many chunks from now on, at most chunk_max of chunks__new(); what is above it stays until it is given back. */
void chunks__set_max(struct chunks *chunks, uint32_t max);
uint32_t chunks__cnt(const struct chunks *chunks);
/* Gives the kernel back the chunks without rows. After chunks__begin_epoch(): no program reads what was given before. */
void chunks__trim(struct chunks *chunks);
uint64_t chunks__bytes(const struct chunks *chunks);
/* More than half of what the budget allows is in use. */
bool chunks__are_half_full(const struct chunks *chunks);

#endif
