// SPDX-License-Identifier: GPL-2.0
/* Keeps the perf maps of processes that are profiled. */
#include "symbol/perf_map_keep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "symbol/perf_map.h"

#define TRY_NS 1000000000ull

struct kept_map {
	uint32_t pid; /* 0: free */
	int fd;       /* -1: there was none when it was looked for last */
	uint64_t start_ns;
	uint64_t tried_ns, seen_ns;
};

struct perf_maps {
	const char *proc_dir;
	struct kept_map kept[PERF_MAPS_KEPT_MAX];
};

struct perf_maps *perf_maps__new(const char *proc_dir)
{
	struct perf_maps *maps = calloc(1, sizeof(*maps));

	if (maps)
		maps->proc_dir = proc_dir;
	return maps;
}

static void kept_map__close(struct kept_map *map)
{
	if (map->pid && map->fd >= 0)
		close(map->fd);
	*map = (struct kept_map){0};
}

void perf_maps__free(struct perf_maps *maps)
{
	size_t i;

	if (!maps)
		return;
	for (i = 0; i < PERF_MAPS_KEPT_MAX; i++)
		kept_map__close(&maps->kept[i]);
	free(maps);
}

static const struct kept_map *maps__find(
	const struct perf_maps *maps, uint32_t pid, uint64_t start_ns)
{
	size_t i;

	for (i = 0; i < PERF_MAPS_KEPT_MAX; i++)
		if (maps->kept[i].pid == pid && maps->kept[i].start_ns == start_ns)
			return &maps->kept[i];
	return NULL;
}

/* A free place, or that of the one which was not seen for longest. */
static struct kept_map *maps__place(struct perf_maps *maps)
{
	struct kept_map *oldest = &maps->kept[0];
	size_t i;

	for (i = 1; i < PERF_MAPS_KEPT_MAX; i++)
		if (maps->kept[i].seen_ns < oldest->seen_ns)
			oldest = &maps->kept[i];
	kept_map__close(oldest);
	return oldest;
}

void perf_maps__see(struct perf_maps *maps, uint32_t pid, uint64_t start_ns, uint64_t now_ns)
{
	struct kept_map *map;

	if (!pid)
		return; /* of another pid namespace */
	map = (struct kept_map *)maps__find(maps, pid, start_ns);
	if (!map) {
		map = maps__place(maps);
		*map = (struct kept_map){.pid = pid, .fd = -1, .start_ns = start_ns};
	}
	map->seen_ns = now_ns;
	if (map->fd >= 0 || (map->tried_ns && now_ns - map->tried_ns < TRY_NS))
		return;
	map->tried_ns = now_ns;
	map->fd = perf_map__open(maps->proc_dir, pid, start_ns);
}

int perf_maps__open(const struct perf_maps *maps, uint32_t pid, uint64_t start_ns)
{
	const struct kept_map *map = maps && pid ? maps__find(maps, pid, start_ns) : NULL;
	char path[64];
	int fd;

	if (!map || map->fd < 0)
		return -ENOENT;
	/* Opened anew, not duplicated: the place in the file is not to be shared with a child that reads it, too. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", map->fd);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	return fd < 0 ? -errno : fd;
}
