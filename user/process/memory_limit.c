// SPDX-License-Identifier: GPL-2.0
/* How much memory a process has, and may have. */
#include "process/memory_limit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define CGROUP_ROOT "/sys/fs/cgroup"

uint64_t process_memory__rss(pid_t pid)
{
	unsigned long long size, resident = 0;
	char path[64];
	FILE *statm;

	snprintf(path, sizeof(path), "/proc/%d/statm", pid);
	statm = fopen(path, "re");
	if (!statm)
		return 0;
	if (fscanf(statm, "%llu %llu", &size, &resident) != 2)
		resident = 0;
	fclose(statm);
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

uint64_t process_memory__rss_max(pid_t pid)
{
	unsigned long long kib = 0;
	char path[64], line[256];
	FILE *status;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	status = fopen(path, "re");
	if (!status)
		return 0;
	while (fgets(line, sizeof(line), status) && sscanf(line, "VmHWM: %llu kB", &kib) != 1)
		;
	fclose(status);
	return kib * 1024;
}

static uint64_t least(uint64_t one, uint64_t other)
{
	return !one || (other && other < one) ? other : one;
}

static uint64_t rlimit__read(pid_t pid, __rlimit_resource_t resource)
{
	struct rlimit limit;

	if (prlimit(pid, resource, NULL, &limit) || limit.rlim_cur == RLIM_INFINITY)
		return 0;
	return limit.rlim_cur;
}

/* "max": fscanf leaves 0. */
static uint64_t memory_max__read(const char *folder)
{
	unsigned long long bytes = 0;
	char path[4096 + 64];
	FILE *file;

	if (snprintf(path, sizeof(path), CGROUP_ROOT "%s/memory.max", folder) >= (int)sizeof(path))
		return 0;
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%llu", &bytes) != 1)
		bytes = 0;
	fclose(file);
	return bytes;
}

bool cgroup_line__folder(char *line, char **ret)
{
	char *folder = line + strlen("0::");

	if (strncmp(line, "0::/", strlen("0::/")))
		return false;
	folder[strcspn(folder, "\n")] = '\0';
	if (strstr(folder, "/..")) /* outside of our cgroup namespace */
		return false;
	*ret = folder;
	return true;
}

static uint64_t cgroup__limit(pid_t pid)
{
	char path[64], line[4096], *folder = NULL, *slash;
	uint64_t limit = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	while (!folder && fgets(line, sizeof(line), file))
		cgroup_line__folder(line, &folder);
	fclose(file);
	while (folder && *folder) {
		limit = least(limit, memory_max__read(folder));
		slash = strrchr(folder, '/');
		if (!slash)
			break;
		*slash = '\0';
	}
	return limit;
}

uint64_t process_memory__limit(pid_t pid)
{
	uint64_t limit = least(rlimit__read(pid, RLIMIT_DATA), rlimit__read(pid, RLIMIT_AS));

	return least(limit, cgroup__limit(pid));
}
