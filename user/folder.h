/* SPDX-License-Identifier: GPL-2.0 */
/* A folder to write to that is made if it is missing: a start that fails leaves none behind. */
#ifndef BPFPROF_FOLDER_H
#define BPFPROF_FOLDER_H

#include <stdbool.h>
#include <sys/types.h>

struct folder {
	const char *path; /* borrowed */
	bool is_made;     /* was not there before */
};

/* 0 or -errno; -ENOTDIR: what is there is something else. *ret says what folder__unmake() has to do, after a failure too. */
int folder__make(const char *path, mode_t mode, struct folder *ret);
/* Removes it if folder__make() made it and nothing is in it. */
void folder__unmake(struct folder *folder);

#endif
