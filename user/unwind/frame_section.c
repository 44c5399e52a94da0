// SPDX-License-Identifier: GPL-2.0
/* One section of call frame information, read through a small window instead of as a whole. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "unwind/frame_section.h"

#define WINDOW_BYTES 65536
#define CHUNK_BYTES  16384   /* of compressed data */
#define OUTPUT_BYTES 1048576 /* that one chunk may inflate to: zlib reaches 1:1032 */

static int start_inflating(struct frame_section *section)
{
	section->bytes = section->place.inflated_bytes;
	section->inflated = malloc(section->bytes);
	section->stream = calloc(1, sizeof(*section->stream));
	if (!section->inflated || !section->stream)
		return -ENOMEM;
	if (inflateInit(section->stream) != Z_OK) {
		free(section->stream);
		section->stream = NULL;
		return -ENOMEM;
	}
	return 0;
}

int frame_section__open(struct frame_section *section, const struct elf_source *source,
	const struct elf_section *place, bool is_debug_frame)
{
	int err = 0;

	*section = (struct frame_section){.source = source,
		.place = *place,
		.bytes = place->bytes,
		.is_debug_frame = is_debug_frame};
	if (place->bytes && place->inflated_bytes)
		err = start_inflating(section);
	if (err)
		frame_section__close(section);
	return err;
}

static void stop_inflating(struct frame_section *section)
{
	if (section->stream)
		inflateEnd(section->stream);
	free(section->stream);
	section->stream = NULL;
}

void frame_section__close(struct frame_section *section)
{
	stop_inflating(section);
	free(section->inflated);
	free(section->window);
	*section = (struct frame_section){0};
}

/* Feeds one chunk of the file to zlib. 1: more to come, 0: complete. */
static int inflate_chunk(struct frame_section *section, const char **ret_reason)
{
	uint64_t left = section->place.bytes - section->deflated_cnt;
	uint8_t chunk[CHUNK_BYTES];
	size_t len = left < sizeof(chunk) ? left : sizeof(chunk);
	uint64_t before = section->stream->total_out;
	int err, status;

	err = elf_source__read(
		section->source, section->place.offset + section->deflated_cnt, chunk, len);
	if (err) {
		*ret_reason = "compressed call frame section cannot be read";
		return err;
	}
	section->stream->next_in = chunk;
	section->stream->avail_in = len;
	section->stream->next_out = section->inflated + section->inflated_cnt;
	left = section->bytes - section->inflated_cnt;
	section->stream->avail_out = left < OUTPUT_BYTES ? left : OUTPUT_BYTES;
	status = inflate(section->stream, Z_NO_FLUSH);
	section->deflated_cnt += len - section->stream->avail_in;
	section->inflated_cnt += section->stream->total_out - before;
	if (section->inflated_cnt == section->bytes)
		return 0;
	if (status == Z_OK) /* some progress: input that was not taken is read again */
		return 1;
	*ret_reason = "compressed call frame section is damaged";
	return -EINVAL;
}

int frame_section__inflate(struct frame_section *section, size_t max_bytes, const char **ret_reason)
{
	uint64_t start = section->inflated_cnt;
	int more = 1;

	if (!section->stream)
		return 0;
	while (more == 1 && section->inflated_cnt - start < max_bytes)
		more = inflate_chunk(section, ret_reason);
	if (!more)
		stop_inflating(section);
	return more;
}

static bool is_within(const struct frame_section *section, uint64_t offset, size_t len)
{
	return offset <= section->bytes && len <= section->bytes - offset;
}

/* Moves the window so that it starts at offset and holds at least len bytes. */
static int move_window(struct frame_section *section, uint64_t offset, size_t len)
{
	size_t room = len > WINDOW_BYTES ? len : WINDOW_BYTES;
	uint64_t left = section->bytes - offset;
	uint8_t *grown;
	int err;

	if (room > section->window_room) {
		grown = realloc(section->window, room);
		if (!grown)
			return -ENOMEM;
		section->window = grown;
		section->window_room = room;
	}
	section->window_bytes = 0;
	room = left < section->window_room ? left : section->window_room;
	err = elf_source__read(
		section->source, section->place.offset + offset, section->window, room);
	if (err)
		return err;
	section->window_start = offset;
	section->window_bytes = room;
	return 0;
}

int frame_section__view(
	struct frame_section *section, uint64_t offset, size_t len, const uint8_t **ret_bytes)
{
	int err;

	if (!is_within(section, offset, len))
		return -ENODATA;
	if (section->inflated) {
		*ret_bytes = section->inflated + offset;
		return 0;
	}
	if (section->source->memory) {
		*ret_bytes = section->source->memory + section->place.offset + offset;
		return 0;
	}
	if (offset < section->window_start ||
		offset - section->window_start > section->window_bytes ||
		len > section->window_bytes - (offset - section->window_start)) {
		err = move_window(section, offset, len);
		if (err)
			return err;
	}
	*ret_bytes = section->window + (offset - section->window_start);
	return 0;
}

int frame_section__copy(struct frame_section *section, uint64_t offset, void *buf, size_t len)
{
	if (!is_within(section, offset, len))
		return -ENODATA;
	if (section->inflated) {
		memcpy(buf, section->inflated + offset, len);
		return 0;
	}
	return elf_source__read(section->source, section->place.offset + offset, buf, len);
}
