/* SPDX-License-Identifier: GPL-2.0 */
/* The records of a pass over threads, sorted, and which of them have to be taken again. */
#ifndef COLLECT_THREAD_TABLE_H
#define COLLECT_THREAD_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "thread.h"

#define THREADS_MAX (1u << 20) /* that one pass keeps: 80 MB */

struct thread_table {
	struct thread_record *records;
	size_t cnt, capacity;
	uint64_t dropped_cnt; /* past THREADS_MAX */
};

void thread_table__free(struct thread_table *table);
/* 0 or -ENOMEM. */
int thread_table__add(struct thread_table *table, const struct thread_record *records, size_t cnt);
/* By pid and tid; of one thread that was read twice the first record stays. */
void thread_table__sort(struct thread_table *table);
/* In a sorted table; NULL: not there. */
struct thread_record *thread_table__find(
	const struct thread_table *table, uint32_t pid, uint32_t tid);

#endif
