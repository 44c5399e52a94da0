// SPDX-License-Identifier: GPL-2.0
/* A gzip stream into a stdio stream. */
#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

#include "output/gzip.h"

#define OUT_BYTES (16 * 1024)
#define WINDOW_BITS_GZIP                                                                           \
	(15 + 16)   /* zlib.h: add 16 for a gzip header; its mtime is 0, its name empty */
#define MEM_LEVEL 8 /* zlib's default */

struct gzip {
	z_stream stream;
	FILE *out;
	unsigned char buf[OUT_BYTES];
};

struct gzip *gzip__new(FILE *out)
{
	struct gzip *gzip = calloc(1, sizeof(*gzip));

	if (!gzip)
		return NULL;
	gzip->out = out;
	if (deflateInit2(&gzip->stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, WINDOW_BITS_GZIP,
		    MEM_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK) {
		free(gzip);
		return NULL;
	}
	return gzip;
}

void gzip__free(struct gzip *gzip)
{
	if (!gzip)
		return;
	deflateEnd(&gzip->stream);
	free(gzip);
}

/* Until all input is taken; with Z_FINISH until the stream is whole. */
static int deflate_all(struct gzip *gzip, int flush)
{
	size_t bytes;

	do {
		gzip->stream.next_out = gzip->buf;
		gzip->stream.avail_out = sizeof(gzip->buf);
		deflate(&gzip->stream, flush); /* fails for a wrong state only */
		bytes = sizeof(gzip->buf) - gzip->stream.avail_out;
		if (bytes && fwrite(gzip->buf, 1, bytes, gzip->out) != bytes)
			return -errno;
	} while (!gzip->stream.avail_out);
	return 0;
}

int gzip__write(struct gzip *gzip, const void *data, size_t bytes)
{
	gzip->stream.next_in = (void *)data;
	gzip->stream.avail_in = bytes;
	return deflate_all(gzip, Z_NO_FLUSH);
}

int gzip__finish(struct gzip *gzip)
{
	int err = deflate_all(gzip, Z_FINISH);

	if (!err && fflush(gzip->out))
		err = -errno;
	return err;
}
