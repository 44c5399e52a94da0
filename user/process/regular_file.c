// SPDX-License-Identifier: GPL-2.0
/* A file is opened by path only to look at it first. */
#include "process/regular_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int regular_file__open(const char *path)
{
	int probe = open(path, O_PATH | O_CLOEXEC), fd;
	char self[64];
	struct stat st;

	if (probe < 0)
		return -errno;
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
