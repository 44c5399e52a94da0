/* SPDX-License-Identifier: GPL-2.0 */
/* The longest waits for a CPU, and who had it meanwhile: read from the programs' memory, kept by length. */
#ifndef COLLECT_SCHED_DELAYS_H
#define COLLECT_SCHED_DELAYS_H

#include <stddef.h>
#include <stdint.h>

#include "sched_stats.h"

#define SCHED_DELAY_ROWS 16

/* The longest first; of each pair of threads the longest wait. */
struct sched_delay_table {
	struct sched_delay rows[SCHED_DELAY_ROWS];
	size_t cnt;
};

/* Into its place; what is shorter than all rows of a full table is dropped. */
void sched_delay_table__add(struct sched_delay_table *table, const struct sched_delay *delay);
/* Adds what a CPU noted in an interval that has ended. memory: the programs' own, which may still change. */
void sched_delay_table__add_cpu(
	struct sched_delay_table *table, const struct sched_delays *memory, uint32_t interval);

#endif
