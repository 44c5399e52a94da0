/* SPDX-License-Identifier: GPL-2.0 */
/* The inside of the table of executed files, for its own files alone. */
#ifndef PROCESS_FILE_PRIVATE_H
#define PROCESS_FILE_PRIVATE_H

#include <uthash.h>

#include "process/elf_header.h"
#include "process/file.h"

/* Two ways to find a file, each a hash of its own: by build id, or by device, inode and path. */
struct file_alias {
	struct file_identity identity; /* either the build id or dev and ino, the rest 0 */
	uint32_t id;
	UT_hash_handle hh;
};

struct files {
	struct file **by_id; /* by_id[id - 1] */
	uint32_t cnt;
	uint32_t capacity;
	struct file_alias *aliases;
	int open_cnt;
	int open_max;
	uint64_t refused_cnt;
	uint32_t clock; /* next file whose descriptor is given up */
};

/* Opens the file of a mapping and reads its ELF header, whose segments are then the caller's. A descriptor; -ENOEXEC: no
 * ELF file; -ESTALE: another file has its name by now; or -errno. */
int mapping__open(const struct file_mapping *mapping, struct elf_header *ret_header);
/* Gives up descriptors, the one that was opened the longest ago first, until one more may be open. */
void files__spare_descriptor(struct files *files);
/* What a file that is known lacks is taken from one more mapping of it: it could not be opened, or was closed as nobody
 * mapped it. */
void files__open_again(struct files *files, uint32_t id, const struct file_mapping *mapping);

#endif
