/* SPDX-License-Identifier: GPL-2.0 */
/* One section of call frame information, read through a small window instead of as a whole. */
#ifndef UNWIND_FRAME_SECTION_H
#define UNWIND_FRAME_SECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unwind/elf_frames.h"

struct z_stream_s;

/* A file may change while it is read: what was checked once must be checked again when it is read
 * again. */
struct frame_section {
	const struct elf_source *source;
	struct elf_section place;
	uint64_t bytes; /* after inflation */
	bool is_debug_frame;
	uint8_t *window; /* a file's bytes [window_start, window_start + window_bytes) */
	uint64_t window_start;
	size_t window_bytes;
	size_t window_room;
	uint8_t *inflated; /* a compressed section's contents */
	uint64_t inflated_cnt;
	uint64_t deflated_cnt; /* of the section's bytes, what inflate has seen */
	struct z_stream_s *stream;
};

/* place->bytes = 0 gives an empty section. 0 or -ENOMEM. */
int frame_section__open(struct frame_section *section, const struct elf_source *source,
	const struct elf_section *place, bool is_debug_frame);
void frame_section__close(struct frame_section *section);

/* Inflates up to about max_bytes more. 1: call again; 0: all there, or not compressed; -EINVAL with
 * a reason: not what zlib wrote, -errno of reading. */
int frame_section__inflate(
	struct frame_section *section, size_t max_bytes, const char **ret_reason);

/* Bytes [offset, offset + len) of the section, valid until the next call. 0, -ENODATA past the end
 * of the section or of the file, -ENOMEM, -errno of reading. */
int frame_section__view(
	struct frame_section *section, uint64_t offset, size_t len, const uint8_t **ret_bytes);

/* The same into buf; leaves the window where it is. */
int frame_section__copy(struct frame_section *section, uint64_t offset, void *buf, size_t len);

#endif
