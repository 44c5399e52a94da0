// SPDX-License-Identifier: GPL-2.0
/* A file is opened by path only to look at it first. */
#include "process/regular_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* probe: of O_PATH, which becomes the caller's descriptor or none. */
static int regular_file__reopen(int probe)
{
	char self[64];
	struct stat st;
	int fd;

	if (fstat(probe, &st) || !S_ISREG(st.st_mode)) {
		close(probe);
		return -ENOEXEC;
	}
	snprintf(self, sizeof(self), "/proc/self/fd/%d", probe);
	fd = open(self, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		fd = -errno;
	close(probe);
	return fd;
}

int regular_file__open(const char *path)
{
	int probe = open(path, O_PATH | O_CLOEXEC);

	return probe < 0 ? -errno : regular_file__reopen(probe);
}

int root__open(int root, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)flags, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
	int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

int regular_file__open_in_root(pid_t pid, const char *path)
{
	char root_path[64];
	int root, probe;

	snprintf(root_path, sizeof(root_path), "/proc/%d/root", pid);
	root = open(root_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return -errno;
	probe = root__open(root, path, O_PATH | O_CLOEXEC);
	close(root);
	return probe < 0 ? probe : regular_file__reopen(probe);
}
