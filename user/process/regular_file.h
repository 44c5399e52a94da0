/* SPDX-License-Identifier: GPL-2.0 */
/* Opening files that profiled processes name: only regular ones, and without being seen by any other kind. */
#ifndef PROCESS_REGULAR_FILE_H
#define PROCESS_REGULAR_FILE_H

/* A descriptor to read from, -ENOEXEC when the path leads to something else than a regular file, or -errno. Opening a FIFO
 * would wait or let a writer go on, and opening a device may do things. */
int regular_file__open(const char *path);

#endif
