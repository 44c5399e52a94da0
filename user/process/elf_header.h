/* SPDX-License-Identifier: GPL-2.0 */
/* The little that the process table needs of an ELF file: executable segments and build id. */
#ifndef PROCESS_ELF_HEADER_H
#define PROCESS_ELF_HEADER_H

#include "process/file.h"

struct elf_header {
	struct file_segment *segments; /* malloc'ed */
	uint32_t segment_cnt;
	bool position_fixed;
	uint8_t build_id[BUILD_ID_BYTES_MAX];
	uint8_t build_id_len;
};

/* Reads through pread: a file that shrinks meanwhile gives an error, not a SIGBUS. -ENOEXEC: no 64-bit ELF program or
 * shared object of this machine; -EIO, -ENOMEM. */
int elf_header__read(int fd, struct elf_header *ret);
/* The same from memory, for the vDSO. */
int elf_header__read_image(const void *image, size_t image_bytes, struct elf_header *ret);

#endif
