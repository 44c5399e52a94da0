// SPDX-License-Identifier: GPL-2.0
/* The formats that a profile can be written in. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "output/file.h"
#include "output/folded.h"
#include "output/format.h"
#include "output/html.h"
#include "output/pprof.h"

const struct output_format output_formats[] = {
	{.name = "pprof", .suffix = ".pb.gz", .write = pprof__write},
	{.name = "folded", .suffix = ".folded", .write = folded__write},
	{.name = "html", .suffix = ".html", .write = html__write},
};
const size_t output_format_cnt = sizeof(output_formats) / sizeof(output_formats[0]);

const struct output_format *output_format__find(const char *name)
{
	size_t i;

	for (i = 0; i < output_format_cnt; i++) {
		if (!strcmp(output_formats[i].name, name))
			return &output_formats[i];
	}
	return NULL;
}

struct save {
	const struct output_format *format;
	const struct output_source *source;
};

static int write_source(FILE *out, void *arg)
{
	const struct save *save = arg;

	return save->format->write(save->source, out);
}

int output_format__save(
	const struct output_format *format, const struct output_source *source, const char *dir)
{
	struct save save = {.format = format, .source = source};
	char name[NAME_MAX + 1];

	if (snprintf(name, sizeof(name), "%s%s", source->profile->kind->name, format->suffix) >
		NAME_MAX)
		return -ENAMETOOLONG;
	return output_file__write(dir, name, write_source, &save);
}
