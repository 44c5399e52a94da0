// SPDX-License-Identifier: GPL-2.0
/* A folder to write to that is made if it is missing. */
#include "folder.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

int folder__make(const char *path, mode_t mode, struct folder *ret)
{
	struct stat st;

	*ret = (struct folder){.path = path};
	if (!mkdir(path, mode))
		ret->is_made = true;
	else if (errno != EEXIST)
		return -errno;
	if (stat(path, &st))
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

void folder__unmake(struct folder *folder)
{
	if (folder->is_made)
		rmdir(folder->path);
	folder->is_made = false;
}
