/* SPDX-License-Identifier: GPL-2.0 */
/* Where an ELF file keeps its call frame information, and which of its addresses are code. */
#ifndef UNWIND_ELF_FRAMES_H
#define UNWIND_ELF_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "unwind/elf_source.h"

#define ELF_SEGMENTS_MAX 64 /* PT_LOAD */

struct elf_range {
	uint64_t start;
	uint64_t end;
	uint64_t offset;     /* in the file */
	uint64_t file_bytes; /* that the file has of it */
};

/* A section's place in the file; bytes = 0: there is none. */
struct elf_section {
	uint64_t offset;
	uint64_t bytes;
	uint64_t address;
	uint64_t inflated_bytes; /* not 0: zlib data from offset on, with this many bytes in it */
	bool is_open_ended;      /* found without section headers: `bytes` is only an upper bound */
	uint64_t fde_cnt;        /* with is_open_ended: what .eh_frame_hdr states; 0: not known */
};

struct elf_frames {
	struct elf_section eh_frame;
	struct elf_section debug_frame;
	struct elf_range code[ELF_SEGMENTS_MAX]; /* executable PT_LOADs */
	unsigned int code_cnt;
	uint64_t entry; /* the address that the program, or a dynamic linker, starts at; 0: none */
	bool has_go;    /* Go code, which keeps frame pointers */
	uint64_t text_address; /* bases of relative pointers; 0: not known */
	uint64_t got_address;
};

struct elf_frames_limits {
	uint64_t section_bytes;
	uint64_t inflated_bytes;
};

/* Reads headers only. 0; -errno with a reason otherwise: -ENOEXEC for what is not an ELF file of
 * this machine, -ENODATA without call frame information (*ret_frames is set then too),
 * -EFBIG above a limit, -EINVAL for headers that contradict themselves or the file's size. */
int elf_frames__find(const struct elf_source *source, const struct elf_frames_limits *limits,
	struct elf_frames *ret_frames, const char **ret_reason);

#endif
