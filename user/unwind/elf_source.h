/* SPDX-License-Identifier: GPL-2.0 */
/* The bytes of an ELF image: a file that is read with pread, or a mapped one such as the vDSO. */
#ifndef UNWIND_ELF_SOURCE_H
#define UNWIND_ELF_SOURCE_H

#include <stddef.h>
#include <stdint.h>

/* Never a mapping of a file: one that shrinks under it would kill the daemon with SIGBUS. */
struct elf_source {
	int fd;                /* borrowed; not used with memory */
	const uint8_t *memory; /* NULL: a file */
	uint64_t bytes;
};

/* 0; -EINVAL for something that is not a regular file, -errno of fstat. */
int elf_source__from_fd(int fd, struct elf_source *ret_source);

/* Reads exactly len bytes. 0, -ENODATA where the file ends before, -errno of pread. */
int elf_source__read(const struct elf_source *source, uint64_t offset, void *buf, size_t len);

#endif
