// SPDX-License-Identifier: GPL-2.0
/* The figures of the last heap lines. */
#include "serve/heap_history.h"

#include <stdlib.h>
#include <string.h>

#include "process/clock.h"

enum {
	TIME_MS,
	INTERVAL_MS,
	ALLOCS,
	FREES,
	ALLOCATED_BYTES,
	PEAK_BYTES,
	END_BYTES,
	OBJECTS,
	RSS_BYTES,
	LIMIT_BYTES,
	CPU_PERCENT,
	FIELD_CNT
};

static const char *const field_names[FIELD_CNT] = {"time_ms", "interval_ms", "allocs", "frees",
	"allocated_bytes", "peak_bytes", "end_bytes", "objects", "rss_bytes", "limit_bytes",
	"cpu_percent"};

struct heap_process {
	uint32_t pid;
	char comm[32];
	uint64_t cnt; /* ever added; the last one is points[(cnt - 1) % HEAP_HISTORY_POINTS] */
	int64_t points[HEAP_HISTORY_POINTS][FIELD_CNT];
};

struct heap_history {
	struct heap_process *processes[HEAP_HISTORY_PROCESSES];
};

struct heap_history *heap_history__new(void)
{
	return calloc(1, sizeof(struct heap_history));
}

void heap_history__free(struct heap_history *history)
{
	size_t i;

	for (i = 0; history && i < HEAP_HISTORY_PROCESSES; i++)
		free(history->processes[i]);
	free(history);
}

static int64_t last_ms(const struct heap_process *process)
{
	return process ? process->points[(process->cnt - 1) % HEAP_HISTORY_POINTS][TIME_MS] : -1;
}

/* The process's place, a free one, or the one that has been quiet for longest. NULL: out of memory. */
static struct heap_process *find_process(struct heap_history *history, uint32_t pid)
{
	struct heap_process **place = &history->processes[0];
	size_t i;

	for (i = 0; i < HEAP_HISTORY_PROCESSES; i++) {
		if (history->processes[i] && history->processes[i]->pid == pid)
			return history->processes[i];
		if (last_ms(history->processes[i]) < last_ms(*place))
			place = &history->processes[i];
	}
	if (!*place)
		*place = malloc(sizeof(**place));
	if (*place)
		memset(*place, 0, sizeof(**place));
	return *place;
}

void heap_history__add(struct heap_history *history, const struct heap_line *line)
{
	struct heap_process *process = find_process(history, line->pid);
	int64_t *point;

	if (!process)
		return;
	process->pid = line->pid;
	snprintf(process->comm, sizeof(process->comm), "%s", line->comm);
	point = process->points[process->cnt++ % HEAP_HISTORY_POINTS];
	point[TIME_MS] = (int64_t)(clock__ns(CLOCK_REALTIME) / 1000000);
	point[INTERVAL_MS] = (int64_t)(line->interval_ns / 1000000);
	point[ALLOCS] = (int64_t)line->alloc_cnt;
	point[FREES] = (int64_t)line->free_cnt;
	point[ALLOCATED_BYTES] = (int64_t)line->alloc_bytes;
	point[PEAK_BYTES] = line->peak_bytes;
	point[END_BYTES] = line->end_bytes;
	point[OBJECTS] = line->objects;
	point[RSS_BYTES] = (int64_t)line->rss_bytes;
	point[LIMIT_BYTES] = (int64_t)line->limit_bytes;
	point[CPU_PERCENT] = line->allocator_percent;
}

static void print_process(const struct heap_process *process, struct json *json)
{
	uint64_t cnt = process->cnt < HEAP_HISTORY_POINTS ? process->cnt : HEAP_HISTORY_POINTS;
	uint64_t i;
	int field;

	json__open(json, NULL, '{');
	json__int(json, "pid", process->pid);
	json__text(json, "comm", process->comm);
	for (field = 0; field < FIELD_CNT; field++) {
		json__open(json, field_names[field], '[');
		for (i = process->cnt - cnt; i < process->cnt; i++)
			json__int(json, NULL, process->points[i % HEAP_HISTORY_POINTS][field]);
		json__close(json, ']');
	}
	json__close(json, '}');
}

void heap_history__print(const struct heap_history *history,
	bool (*may_see)(uint32_t pid, void *arg), void *arg, struct json *json)
{
	size_t i;

	json__open(json, "heap", '[');
	for (i = 0; i < HEAP_HISTORY_PROCESSES; i++)
		if (history->processes[i] && may_see(history->processes[i]->pid, arg))
			print_process(history->processes[i], json);
	json__close(json, ']');
}
