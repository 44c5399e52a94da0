// SPDX-License-Identifier: GPL-2.0
/* What the daemon costs and what it has lost. */
#include "figures.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S   1000000000ull
#define MAP_AGE_NS (10 * NS_PER_S) /* the maps' memory is asked for, map by map, this often */

struct figures {
	uint64_t start_time_ns; /* CLOCK_REALTIME */
	uint64_t map_bytes, map_bytes_ns;
};

static uint64_t clock__ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

struct figures *figures__new(void)
{
	struct figures *figures = calloc(1, sizeof(*figures));

	if (figures)
		figures->start_time_ns = clock__ns(CLOCK_REALTIME);
	return figures;
}

void figures__free(struct figures *figures)
{
	free(figures);
}

static uint64_t usage__ns(int who)
{
	struct rusage usage;

	getrusage(who, &usage);
	return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * NS_PER_S +
	       (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000;
}

static uint64_t own__rss_bytes(void)
{
	unsigned long long size, resident = 0;
	FILE *statm = fopen("/proc/self/statm", "re");

	if (!statm)
		return 0;
	if (fscanf(statm, "%llu %llu", &size, &resident) != 2)
		resident = 0;
	fclose(statm);
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static int map__add(const struct shared_map *map, void *arg)
{
	uint64_t *total = arg;

	*total += map->bytes;
	return 0;
}

static uint64_t figures__map_bytes(struct figures *figures, const struct capture *capture)
{
	uint64_t now_ns = clock__ns(CLOCK_MONOTONIC);
	struct unwind_store_stats unwind;

	if (figures->map_bytes && now_ns - figures->map_bytes_ns < MAP_AGE_NS)
		return figures->map_bytes;
	capture__unwind_stats(capture, &unwind);
	figures->map_bytes = unwind.chunk_bytes;
	shared__each_map(capture__shared(capture), map__add, &figures->map_bytes);
	figures->map_bytes_ns = now_ns;
	return figures->map_bytes;
}

static void figures__add(
	struct serve_figures *ret, const char *name, const char *text, bool is_loss, uint64_t value)
{
	if (ret->counter_cnt < SERVE_COUNTERS_MAX)
		ret->counters[ret->counter_cnt++] = (struct serve_counter){
			.name = name, .text = text, .is_loss = is_loss, .value = value};
}

static void figures__add_losses(struct serve_figures *ret, const struct capture *capture)
{
	struct capture_losses losses;

	capture__losses(capture, &losses);
	figures__add(ret, "process_events", "process events lost; /proc was read again", true,
		losses.process_events);
	figures__add(ret, "processes_unpublished", "processes without room in the kernel's tables",
		false, losses.processes_unpublished);
	figures__add(
		ret, "stacks_refused", "stacks past the daemon's cap", true, losses.stacks_refused);
	figures__add(ret, "samples_refused", "samples past the daemon's cap, kept as [lost]", true,
		losses.samples_refused);
	figures__add(ret, "records_bad", "stack records that contradict themselves", true,
		losses.records_bad);
	figures__add(ret, "files_refused", "mappings of files past the cap: their frames stay raw",
		true, losses.files_refused);
}

void figures__read(
	struct figures *figures, const struct capture *capture, struct serve_figures *ret)
{
	const struct prog_options *options = shared__options(capture__shared(capture));
	struct counter_values counters = {0};
	int i;

	*ret = (struct serve_figures){
		.uptime_ns = capture__duration_ns(capture),
		.start_time_ns = figures->start_time_ns,
		.own_cpu_ns = usage__ns(RUSAGE_SELF) + usage__ns(RUSAGE_CHILDREN),
		.own_rss_bytes = own__rss_bytes(),
		.map_bytes = figures__map_bytes(figures, capture),
		.cpu_cnt = options->cpu_cnt,
		.process_cnt = processes__cnt(capture__processes(capture)),
		.is_host = options->all_processes,
	};
	if (!shared__read_counters(capture__shared(capture), &counters))
		for (i = 0; i < COUNTER__CNT; i++)
			figures__add(ret, counter_names[i], counter_texts[i], counter_is_loss[i],
				counters.cnt[i]);
	figures__add_losses(ret, capture);
}
