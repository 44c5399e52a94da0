// SPDX-License-Identifier: GPL-2.0
/* What a capture leaves out to cost less, and the counters of what it left out or could not keep. */
#include "capture_shed.h"

#include <errno.h>
#include <string.h>

#include "capture_private.h"
#include "collect/stack_ring.h"
#include "process/clock.h"
#include "process/events.h"
#include "process/publish.h"

#define MAP_AGE_NS (10 * NS_PER_S) /* the maps' memory is asked for, map by map, this often */
#define KEPT_MIN   4096 /* stacks, and samples of each profile, also while memory is saved */

static void span__set(struct capture_span *span, bool is_on)
{
	uint64_t now_ns = clock__ns(CLOCK_MONOTONIC);

	if (span->since_ns)
		span->ns += now_ns - span->since_ns;
	span->since_ns = is_on ? now_ns : 0;
}

/* Begun seconds count. */
static uint64_t span__seconds(const struct capture_span *span)
{
	uint64_t ns = span->ns;

	if (span->since_ns)
		ns += clock__ns(CLOCK_MONOTONIC) - span->since_ns;
	return (ns + NS_PER_S - 1) / NS_PER_S;
}

int capture__thin(struct capture *capture, uint32_t thin)
{
	size_t i;
	int err;

	for (i = 0; i < capture->profile_cnt; i++) {
		const struct capture_profile *entry = &capture->profiles[i];

		if (!entry->ops->thin || !entry->start_ns)
			continue;
		err = entry->ops->thin(entry->collector, thin);
		if (err)
			return err;
		capture->thin = thin;
		span__set(&capture->thinned, thin > 0);
		return 0;
	}
	return -ENOENT;
}

uint32_t capture__thinned(const struct capture *capture)
{
	return capture->thin;
}

static size_t at_least(size_t cnt, size_t min)
{
	return cnt > min ? cnt : min;
}

/* What is kept now, and no more. */
static void capture__freeze(struct capture *capture)
{
	struct profile_limits limits = capture_limits;
	size_t i;

	limits.stacks_max = at_least(stack_table__cnt(capture->stacks), KEPT_MIN);
	stack_table__set_limits(capture->stacks, &limits);
	for (i = 0; i < capture->profile_cnt; i++) {
		struct profile *profile = capture->profiles[i].profile;

		profile__set_samples_max(profile, at_least(profile__sample_cnt(profile), KEPT_MIN));
	}
}

static void capture__thaw(struct capture *capture)
{
	size_t i;

	stack_table__set_limits(capture->stacks, &capture_limits);
	for (i = 0; i < capture->profile_cnt; i++)
		profile__set_samples_max(capture->profiles[i].profile, capture_limits.samples_max);
	shared__forget_stacks(capture->shared); /* those that were refused are sent again */
}

void capture__save_memory(struct capture *capture, bool on)
{
	unwind_store__save_memory(capture->unwind, on);
	if (on)
		capture__freeze(capture);
	else
		capture__thaw(capture);
	span__set(&capture->saving, on);
	capture->map_bytes_ns = 0;
}

static int map__add(const struct shared_map *map, void *arg)
{
	uint64_t *total = arg;

	*total += map->bytes;
	return 0;
}

uint64_t capture__map_bytes(struct capture *capture)
{
	uint64_t now_ns = clock__ns(CLOCK_MONOTONIC);
	struct unwind_store_stats unwind;

	if (!capture->map_bytes_ns || now_ns - capture->map_bytes_ns >= MAP_AGE_NS) {
		capture->map_bytes = 0;
		shared__each_map(capture->shared, map__add, &capture->map_bytes);
		capture->map_bytes_ns = now_ns;
	}
	unwind_store__stats(capture->unwind, &unwind);
	return capture->map_bytes + unwind.chunk_bytes;
}

size_t capture__counters(
	const struct capture *capture, struct capture_counter ret[CAPTURE_COUNTERS_MAX])
{
	const struct capture_counter counters[] = {
		{"process_events", "process events lost; /proc was read again", true,
			process_events__lost_cnt(capture->events)},
		{"processes_unpublished", "processes without room in the kernel's tables", false,
			publisher__full_cnt(capture->publisher)},
		{"stacks_refused", "stacks past the daemon's cap", true,
			capture->stacks_refused_cnt},
		{"samples_refused", "samples past the daemon's cap, kept as [lost]", true,
			capture__refused_samples(capture)},
		{"records_bad", "stack records that contradict themselves", true,
			stack_ring__bad_cnt(capture->ring)},
		{"files_refused", "mappings of files past the cap: their frames stay raw", true,
			files__refused_cnt(capture->files)},
		{"mappings_refused", "mappings past the cap of one process: their frames stay raw",
			true, capture->processes->rows_dropped_cnt},
		{"shed_cpu_seconds",
			"seconds in which CPU was sampled less often, for --max-overhead", false,
			span__seconds(&capture->thinned)},
		{"shed_memory_seconds",
			"seconds without new stacks and with half the unwind tables, for --max-memory",
			false, span__seconds(&capture->saving)},
	};

	_Static_assert(sizeof(counters) / sizeof(counters[0]) == CAPTURE_COUNTERS_MAX,
		"room for all of them");
	memcpy(ret, counters, sizeof(counters));
	return CAPTURE_COUNTERS_MAX;
}
