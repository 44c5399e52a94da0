// SPDX-License-Identifier: GPL-2.0
/* Cgroup ids are kernfs file handles: the kernel itself turns them into a descriptor, and that into a path. */
#include "process/cgroup.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uthash.h>

#define FILEID_KERNFS 0xfe /* include/linux/exportfs.h */
#define CGROUPS_MAX   4096

struct cgroup {
	uint64_t id;
	char *path; /* NULL: none */
	UT_hash_handle hh;
};

struct cgroups {
	int mount_fd;
	char mount[256];
	struct cgroup *by_id;
};

/* The first mount of type cgroup2. */
static int mount__find(char *ret_path, size_t path_bytes)
{
	char line[1024], path[256], type[64];
	FILE *mounts = fopen("/proc/self/mounts", "re");
	int fd = -1;

	if (!mounts)
		return -1;
	while (fd < 0 && fgets(line, sizeof(line), mounts)) {
		if (sscanf(line, "%*s %255s %63s", path, type) != 2 || strcmp(type, "cgroup2"))
			continue;
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		snprintf(ret_path, path_bytes, "%s", path);
	}
	fclose(mounts);
	return fd;
}

struct cgroups *cgroups__new(void)
{
	struct cgroups *cgroups = calloc(1, sizeof(*cgroups));

	if (cgroups)
		cgroups->mount_fd = mount__find(cgroups->mount, sizeof(cgroups->mount));
	return cgroups;
}

void cgroups__free(struct cgroups *cgroups)
{
	struct cgroup *cgroup, *next;

	if (!cgroups)
		return;
	HASH_ITER (hh, cgroups->by_id, cgroup, next) {
		HASH_DEL(cgroups->by_id, cgroup);
		free(cgroup->path);
		free(cgroup);
	}
	if (cgroups->mount_fd >= 0)
		close(cgroups->mount_fd);
	free(cgroups);
}

static char *cgroup__read_path(const struct cgroups *cgroups, uint64_t id)
{
	struct {
		struct file_handle handle;
		uint64_t id;
	} handle = {.handle = {.handle_bytes = sizeof(id), .handle_type = FILEID_KERNFS}};
	size_t prefix = strlen(cgroups->mount);
	char self[64], path[PATH_MAX];
	ssize_t bytes;
	int fd;

	memcpy(handle.handle.f_handle, &id, sizeof(id));
	fd = open_by_handle_at(cgroups->mount_fd, &handle.handle, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	bytes = readlink(self, path, sizeof(path) - 1);
	close(fd);
	if (bytes <= (ssize_t)prefix)
		return NULL; /* the root */
	path[bytes] = '\0';
	return strncmp(path, cgroups->mount, prefix) ? NULL : strdup(path + prefix);
}

const char *cgroups__path(struct cgroups *cgroups, uint64_t id)
{
	struct cgroup *cgroup;

	if (!cgroups || cgroups->mount_fd < 0 || !id)
		return NULL;
	HASH_FIND(hh, cgroups->by_id, &id, sizeof(id), cgroup);
	if (cgroup)
		return cgroup->path;
	if (HASH_COUNT(cgroups->by_id) >= CGROUPS_MAX)
		return NULL;
	cgroup = calloc(1, sizeof(*cgroup));
	if (!cgroup)
		return NULL;
	cgroup->id = id;
	cgroup->path = cgroup__read_path(cgroups, id);
	HASH_ADD(hh, cgroups->by_id, id, sizeof(id), cgroup);
	return cgroup->path;
}

bool cgroups__is_full(const struct cgroups *cgroups)
{
	return cgroups && HASH_COUNT(cgroups->by_id) >= CGROUPS_MAX;
}
