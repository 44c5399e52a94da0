// SPDX-License-Identifier: GPL-2.0
/* Waits for a CPU by length. */
#include "collect/sched_delays.h"

#include <stdbool.h>
#include <string.h>

#define READ_TRIES 16

static bool delay__is_of(const struct sched_delay *a, const struct sched_delay *b)
{
	return a->tid == b->tid && a->pid == b->pid && a->by_tid == b->by_tid &&
	       a->by_pid == b->by_pid;
}

void sched_delay_table__add(struct sched_delay_table *table, const struct sched_delay *delay)
{
	size_t at, i;

	for (i = 0; i < table->cnt && !delay__is_of(&table->rows[i], delay); i++)
		;
	if (i < table->cnt) {
		if (table->rows[i].wait_ns >= delay->wait_ns)
			return;
	} else if (table->cnt < SCHED_DELAY_ROWS) {
		i = table->cnt++;
	} else {
		i = SCHED_DELAY_ROWS - 1;
		if (table->rows[i].wait_ns >= delay->wait_ns)
			return;
	}
	/* Row i is free now: rows that are shorter move down into it. */
	for (at = i; at > 0 && table->rows[at - 1].wait_ns < delay->wait_ns; at--)
		table->rows[at] = table->rows[at - 1];
	table->rows[at] = *delay;
}

/* A program that entered the interval just before it ended may write still: what it writes is read again. */
static bool sched_delays__read(const struct sched_delays *memory, struct sched_delays *ret)
{
	int i;

	for (i = 0; i < READ_TRIES; i++) {
		uint32_t seq = __atomic_load_n(&memory->seq, __ATOMIC_ACQUIRE);

		if (seq & 1)
			continue;
		memcpy(ret, memory, sizeof(*ret));
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (__atomic_load_n(&memory->seq, __ATOMIC_RELAXED) == seq)
			return true;
	}
	return false;
}

void sched_delay_table__add_cpu(
	struct sched_delay_table *table, const struct sched_delays *memory, uint32_t interval)
{
	struct sched_delays delays;
	size_t i;

	if (!sched_delays__read(memory, &delays) || delays.interval != interval)
		return;
	for (i = 0; i < SCHED_DELAYS; i++)
		if (delays.delays[i].wait_ns)
			sched_delay_table__add(table, &delays.delays[i]);
}
