/* SPDX-License-Identifier: GPL-2.0 */
/* The files that define allocators, or tell what they allocate, read once each. */
#ifndef COLLECT_HEAP_FILES_H
#define COLLECT_HEAP_FILES_H

#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "collect/allocator.h"
#include "collect/heap_usdt.h"

/* Probes belong to an inode: a copy of a library, in a container's image, has its own. */
struct heap_file {
	uint64_t dev;
	uint64_t ino;
	struct timespec changed;           /* st_ctim, when it was read */
	const struct allocator *allocator; /* NULL: it defines none */
	const struct heap_usdt *usdt;      /* NULL: it has no such probes, or they are not wanted */
	int fd;                            /* of a file with one of these; else -1 */
};

struct heap_files;

/* table: of the kernel, for statically defined probes; NULL: these are not looked for. Borrowed. */
struct heap_files *heap_files__new(struct heap_usdt_table *table);
void heap_files__free(struct heap_files *files);
/* The file behind fd, read if it is new. NULL: out of memory. Stays until the files are freed. */
const struct heap_file *heap_files__get(struct heap_files *files, int fd);

#endif
