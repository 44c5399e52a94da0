/* SPDX-License-Identifier: GPL-2.0 */
/* The files that processes execute: one entry a file of the host, by build id or by device and inode. */
#ifndef PROCESS_FILE_H
#define PROCESS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define BUILD_ID_BYTES_MAX 20

/* What the kernel tells of a mapped file. Either the build id or device and inode may be missing (0). */
struct file_identity {
	uint8_t build_id[BUILD_ID_BYTES_MAX];
	uint8_t build_id_len;
	uint64_t dev; /* makedev() of /proc/PID/maps; not st_dev on overlay and btrfs */
	uint64_t ino;
};

/* An executable PT_LOAD. ELF address = file offset - offset + vaddr. */
struct file_segment {
	uint64_t offset;
	uint64_t vaddr;
	uint64_t file_bytes;
	uint64_t mem_bytes;
};

enum file_kind {
	FILE_ELF,
	FILE_VDSO,  /* image is in memory */
	FILE_OTHER, /* mapped executable, but no ELF file that we can read */
};

struct file {
	uint32_t id; /* 1 .. FRAME_FILE_ID_MAX */
	enum file_kind kind;
	struct file_identity identity;
	char *path; /* as the process that mapped it first names it, without " (deleted)" */
	bool deleted;
	int fd;            /* -1: closed, or never opened */
	int error;         /* -errno of the last attempt to open or to read it; 0: none */
	pid_t pid;         /* who mapped it first: its root is where path is looked up again */
	const void *image; /* FILE_VDSO */
	size_t image_bytes;
	struct file_segment *segments; /* executable ones, in file order */
	uint32_t segment_cnt;
	bool position_fixed; /* ET_EXEC */
	uint64_t
		unmapped_ns; /* CLOCK_MONOTONIC of when no process was found to map it; 0: one does */
	bool is_released;    /* fd was closed for that; opened again with the next mapping */
};

/* A mapping of a file, as maps or MMAP2 tells it. */
struct file_mapping {
	struct file_identity identity;
	const char *path;
	bool deleted;
	pid_t pid;
	uint64_t start;
	uint64_t end;
	uint64_t offset;
};

struct files; /* by id and by identity */

struct files *files__new(void);
void files__free(struct files *files);

/* The id of the file behind a mapping, opened and read when it is new; 0 for anonymous memory, JIT code and what is no
 * ELF file: frames there stay raw. */
uint32_t files__intern(struct files *files, const struct file_mapping *mapping);
const struct file *files__get(const struct files *files, uint32_t id); /* NULL: no such id */
uint32_t files__cnt(const struct files *files);                        /* ids are 1 .. cnt */
uint64_t files__refused_cnt(const struct files *files); /* mappings past the cap on files */
/* A descriptor to pread() from, opened again when it was closed to save descriptors. Borrowed: valid until the next
 * call into files. -errno: the file cannot be had any more. */
int files__fd(const struct files *files, uint32_t id);
/* Closes descriptors of files that no process maps any more, so that their disk space is not held: those found unmapped
 * before needed_ns, from when on somebody keeps stacks, and all after ten minutes. is_mapped: by id, files__cnt() + 1 of
 * them. Times: CLOCK_MONOTONIC. True when there may be more of them than are closed at once. */
bool files__release(
	struct files *files, const bool *is_mapped, uint64_t now_ns, uint64_t needed_ns);
/* What to subtract from an address of this mapping to get the file's ELF address. */
uint64_t file__bias(const struct file *file, uint64_t start, uint64_t offset);
/* build id in hex, "" when there is none */
void file__build_id_hex(const struct file *file, char ret[2 * BUILD_ID_BYTES_MAX + 1]);

#endif
