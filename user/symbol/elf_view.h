/* SPDX-License-Identifier: GPL-2.0 */
/* An ELF file's sections, read in pieces that its author cannot make large, never mapped. */
#ifndef SYMBOL_ELF_VIEW_H
#define SYMBOL_ELF_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf_section {
	const char *name; /* "" when it has none */
	uint32_t type;    /* SHT_ */
	uint32_t link;
	uint64_t flags; /* SHF_ */
	uint64_t address;
	uint64_t offset; /* offset + size lie inside of the file, but for SHT_NOBITS */
	uint64_t size;
	uint64_t entry_bytes;
};

struct elf_view {
	int fd; /* borrowed; -1: image */
	const void *image;
	uint64_t bytes;
	uint16_t machine;             /* EM_ */
	struct elf_section *sections; /* [0] is the null section, as in the file */
	size_t section_cnt;
	char *names;
};

/* Sections of a 64-bit program or shared object in this machine's byte order; -ENOEXEC for anything
 * else, -EIO, -ENOMEM. The descriptor or the image must outlive the view. */
int elf_view__open(struct elf_view *view, int fd);
int elf_view__open_image(struct elf_view *view, const void *image, size_t image_bytes);
/* The same for an object in memory, and for separate debug files. A zeroed view may be closed. */
void elf_view__close(struct elf_view *view);
const struct elf_section *elf_view__find(const struct elf_view *view, const char *name);
/* The section of code that an address lies in; NULL: none. */
const struct elf_section *elf_view__code_at(const struct elf_view *view, uint64_t address);
/* Reads up to bytes at a file offset; fewer only at the file's end. -errno. */
int64_t elf_view__read(const struct elf_view *view, void *buf, size_t bytes, uint64_t offset);
/* A section whole, malloc'ed, a NUL behind it. -EFBIG above bytes_max, -ENODATA when it has no
 * content in the file or is compressed, -EIO, -ENOMEM. */
int elf_view__load(const struct elf_view *view, const struct elf_section *section, size_t bytes_max,
	void **ret);

/* Entries of a table in the file, one after the other through one buffer. */
struct elf_stream {
	const struct elf_view *view;
	uint64_t offset; /* of what follows the buffer */
	uint64_t left;   /* bytes behind the buffer */
	size_t entry_bytes;
	size_t at, len; /* in buf */
	int err;
	_Alignas(8) unsigned char buf[32 * 1024];
};

/* The first `bytes` of a section, as entries of entry_bytes (at most 64). */
struct elf_stream *elf_stream__new(const struct elf_view *view, const struct elf_section *section,
	size_t entry_bytes, uint64_t bytes);
/* Aligned for 8 bytes when entry_bytes is a multiple of 8. NULL: the end, or ->err is set. */
const void *elf_stream__next(struct elf_stream *stream);

#endif
