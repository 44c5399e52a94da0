/* SPDX-License-Identifier: GPL-2.0 */
/* The files that define allocators, read once each. */
#ifndef COLLECT_HEAP_FILES_H
#define COLLECT_HEAP_FILES_H

#include <stdint.h>
#include <sys/types.h>

#include "collect/allocator.h"

/* Probes belong to an inode: a copy of a library, in a container's image, has its own. */
struct heap_file {
	uint64_t dev;
	uint64_t ino;
	const struct allocator *allocator; /* NULL: it defines none */
	int fd;                            /* of a file with an allocator; else -1 */
};

struct heap_files;

struct heap_files *heap_files__new(void);
void heap_files__free(struct heap_files *files);
/* The file behind fd, read if it is new. NULL: out of memory. Stays until the files are freed. */
const struct heap_file *heap_files__get(struct heap_files *files, int fd);

#endif
