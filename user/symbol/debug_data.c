// SPDX-License-Identifier: GPL-2.0
/* Unpacks .gnu_debugdata, the xz-compressed symbol table that Fedora and others leave in
 * programs. */
#include <errno.h>
#include <lzma.h>
#include <stdlib.h>

#include "symbol/debug_file.h"
#include "symbol/elf_view.h"

#define DECODER_BYTES_MAX (64u << 20)

static int unpack(lzma_stream *stream, size_t bytes_max, void **ret, size_t *ret_bytes)
{
	unsigned char *data = NULL;
	size_t size = 0;
	lzma_ret result = LZMA_OK;
	int err = 0;

	while (result == LZMA_OK && err == 0) {
		if (stream->avail_out == 0) {
			size_t bigger = size ? size * 2 : 256 * 1024;
			unsigned char *grown;

			if (size >= bytes_max) {
				err = -EFBIG;
				break;
			}
			bigger = bigger < bytes_max ? bigger : bytes_max;
			grown = realloc(data, bigger);
			if (!grown) {
				err = -ENOMEM;
				break;
			}
			data = grown;
			stream->next_out = data + size;
			stream->avail_out = bigger - size;
			size = bigger;
		}
		result = lzma_code(stream, LZMA_FINISH);
		if (result == LZMA_MEM_ERROR || result == LZMA_MEMLIMIT_ERROR)
			err = -EFBIG;
		else if (result != LZMA_OK && result != LZMA_STREAM_END)
			err = -EBADMSG;
	}
	if (err) {
		free(data);
		return err;
	}
	*ret = data;
	*ret_bytes = stream->total_out;
	return 0;
}

int debug_data__unpack(const struct elf_view *view, size_t bytes_max, void **ret, size_t *ret_bytes)
{
	const struct elf_section *section = elf_view__find(view, ".gnu_debugdata");
	lzma_stream stream = LZMA_STREAM_INIT;
	void *packed;
	int err;

	if (!section)
		return -ENOENT;
	err = elf_view__load(view, section, bytes_max, &packed);
	if (err)
		return err;
	stream.next_in = packed;
	stream.avail_in = section->size;
	if (lzma_stream_decoder(&stream, DECODER_BYTES_MAX, 0) == LZMA_OK)
		err = unpack(&stream, bytes_max, ret, ret_bytes);
	else
		err = -ENOMEM;
	lzma_end(&stream);
	free(packed);
	return err;
}
