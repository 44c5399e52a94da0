/* SPDX-License-Identifier: GPL-2.0 */
/* Reads anew what processes with very many mappings map, a piece at a time: 100,000 lines of /proc take a tenth of a second.
 * Until it is done a process keeps the rows that it has. */
#ifndef PROCESS_REREAD_H
#define PROCESS_REREAD_H

#include <stdint.h>

#include "process/process.h"

/* Of processes, one is read at a time, in the order in which they were wanted. */
void rereads__want(struct processes *processes, struct process *process);
/* The process is about to be freed, or what it maps is another image now. */
void rereads__forget(struct processes *processes, struct process *process);
/* It mapped this, and its rows were told. */
void rereads__on_map(
	struct processes *processes, const struct process *process, const struct mapping_row *row);
/* Reads until end_ns (CLOCK_BOOTTIME), at least some lines. 1: there is more to read; 0. */
int rereads__step(struct processes *processes, uint64_t end_ns);
void rereads__free(struct processes *processes);

#endif
