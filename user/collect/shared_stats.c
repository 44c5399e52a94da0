// SPDX-License-Identifier: GPL-2.0
/* What the loaded programs and maps cost, as the kernel accounts it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "collect/shared.h"
#include "collect/shared_private.h"

int shared__each_program(
	const struct shared *shared, int (*fn)(const struct shared_program *, void *), void *arg)
{
	struct bpf_program *program;
	int i, err = 0;

	for (i = 0; i < shared->object_cnt; i++) {
		bpf_object__for_each_program(program, shared->objects[i])
		{
			struct shared_program stats = {.name = bpf_program__name(program)};
			struct bpf_prog_info info = {0};
			uint32_t info_bytes = sizeof(info);

			if (bpf_program__fd(program) < 0 ||
				bpf_obj_get_info_by_fd(
					bpf_program__fd(program), &info, &info_bytes))
				continue;
			stats.run_cnt = info.run_cnt;
			stats.run_time_ns = info.run_time_ns;
			err = fn(&stats, arg);
			if (err)
				return err;
		}
	}
	return 0;
}

/* The kernel's own figure, which counts what a map really holds since 6.2. */
static uint64_t map__bytes(int fd)
{
	unsigned long long bytes = 0;
	char path[64], line[256];
	FILE *info;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = fopen(path, "re");
	if (!info)
		return 0;
	while (fgets(line, sizeof(line), info))
		if (sscanf(line, "memlock: %llu", &bytes) == 1)
			break;
	fclose(info);
	return bytes;
}

/* A map that several objects use is told once, by the object that came first. */
static bool map__is_told(const struct shared *shared, int object, const char *name)
{
	int i;

	if (shared__map_fd(shared, name) < 0)
		return false;
	for (i = 0; i < object; i++)
		if (bpf_object__find_map_by_name(shared->objects[i], name))
			return true;
	return false;
}

int shared__each_map(
	const struct shared *shared, int (*fn)(const struct shared_map *, void *), void *arg)
{
	struct bpf_map *map;
	int i, err;

	for (i = 0; i < shared->object_cnt; i++) {
		bpf_object__for_each_map(map, shared->objects[i])
		{
			struct shared_map stats = {.name = bpf_map__name(map)};

			if (bpf_map__fd(map) < 0 || map__is_told(shared, i, stats.name))
				continue;
			stats.bytes = map__bytes(bpf_map__fd(map));
			err = fn(&stats, arg);
			if (err)
				return err;
		}
	}
	return 0;
}
