/* SPDX-License-Identifier: GPL-2.0 */
/* Opening files that profiled processes name: only regular ones, and without being seen by any other kind. */
#ifndef PROCESS_REGULAR_FILE_H
#define PROCESS_REGULAR_FILE_H

#include <sys/types.h>

/* A descriptor to read from, -ENOEXEC when the path leads to something else than a regular file, or -errno. Opening a FIFO
 * would wait or let a writer go on, and opening a device may do things. */
int regular_file__open(const char *path);
/* openat2(2) of a path below a folder that is taken for the root: symbolic links lead nowhere else, not by ".." nor to what has
 * their target's name in our own root. flags: of open(2). A descriptor, -ELOOP for /proc's links, or -errno. */
int root__open(int root, const char *path, int flags);
/* A regular file as above, in a process's root folder, a container's for one. -ESRCH or -ENOENT for a process that
 * is gone. */
int regular_file__open_in_root(pid_t pid, const char *path);

#endif
