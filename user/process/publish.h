/* SPDX-License-Identifier: GPL-2.0 */
/* The process table's copy in the kernel: slices of mapping rows that the stack walk searches. */
#ifndef PROCESS_PUBLISH_H
#define PROCESS_PUBLISH_H

#include <stdbool.h>
#include <stdint.h>

#include "process/process.h"

/* The kernel's maps, as shared memory and by descriptor. */
struct publisher_maps {
	int process_slices_fd;
	struct mapping_slice *slices;
	uint32_t slice_max;
	struct mapping_row *rows;
	uint32_t row_max;
};

struct publisher;

struct publisher *publisher__new(const struct publisher_maps *maps);
void publisher__free(struct publisher *publisher);
/* Writes every process whose rows changed. Returns the milliseconds after which it wants to be called again, because a
 * process was caught in the middle of an exec; -1: only after new events. */
int publisher__flush(struct publisher *publisher, struct processes *processes, uint64_t now_ns);
/* Takes a process out of the kernel; a callback for processes__forget(). */
void publisher__drop(struct process *process, void *publisher);
/* Programs enter this epoch now, and every program that entered an earlier one has left: rows given up then may be used
 * again. */
void publisher__begin_epoch(struct publisher *publisher, uint32_t epoch);
/* Processes that found no room; their stacks are normalised by the daemon instead. */
uint64_t publisher__full_cnt(const struct publisher *publisher);

#endif
