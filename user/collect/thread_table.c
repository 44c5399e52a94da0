// SPDX-License-Identifier: GPL-2.0
/* The records of a pass over threads. */
#include "collect/thread_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 1024

void thread_table__free(struct thread_table *table)
{
	free(table->records);
	*table = (struct thread_table){0};
}

int thread_table__add(struct thread_table *table, const struct thread_record *records, size_t cnt)
{
	size_t capacity = table->capacity ? table->capacity : FIRST_CAPACITY;
	struct thread_record *larger;

	if (cnt > THREADS_MAX - table->cnt) {
		table->dropped_cnt += cnt - (THREADS_MAX - table->cnt);
		cnt = THREADS_MAX - table->cnt;
	}
	while (capacity < table->cnt + cnt)
		capacity *= 2;
	if (capacity != table->capacity) {
		larger = reallocarray(table->records, capacity, sizeof(*larger));
		if (!larger)
			return -ENOMEM;
		table->records = larger;
		table->capacity = capacity;
	}
	memcpy(&table->records[table->cnt], records, cnt * sizeof(*records));
	table->cnt += cnt;
	return 0;
}

static int record__compare(const void *a, const void *b)
{
	const struct thread_record *left = a, *right = b;

	if (left->pid != right->pid)
		return left->pid < right->pid ? -1 : 1;
	return left->tid < right->tid ? -1 : left->tid > right->tid;
}

void thread_table__sort(struct thread_table *table)
{
	size_t from, to = 0;

	if (!table->cnt)
		return;
	qsort(table->records, table->cnt, sizeof(*table->records), record__compare);
	for (from = 1; from < table->cnt; from++)
		if (record__compare(&table->records[to], &table->records[from]))
			table->records[++to] = table->records[from];
	table->cnt = to + 1;
}

struct thread_record *thread_table__find(
	const struct thread_table *table, uint32_t pid, uint32_t tid)
{
	struct thread_record key = {.pid = pid, .tid = tid};

	if (!table->cnt)
		return NULL;
	return bsearch(&key, table->records, table->cnt, sizeof(key), record__compare);
}
