/* SPDX-License-Identifier: GPL-2.0 */
/* The formats that a profile can be written in: the table that -f chooses from. */
#ifndef OUTPUT_FORMAT_H
#define OUTPUT_FORMAT_H

#include <stddef.h>
#include <stdio.h>

#include "output/source.h"

struct output_format {
	const char *name;   /* what -f calls it */
	const char *suffix; /* of the file: cpu + ".pb.gz" */
	/* 0 or -errno; out is flushed when it returns 0. */
	int (*write)(const struct output_source *source, FILE *out);
};

extern const struct output_format output_formats[];
extern const size_t output_format_cnt;

/* NULL: no such format. */
const struct output_format *output_format__find(const char *name);
/* Writes DIR/KIND.SUFFIX ("cpu.pb.gz"), whole or not at all (output_file__write). 0 or -errno. */
int output_format__save(
	const struct output_format *format, const struct output_source *source, const char *dir);

#endif
