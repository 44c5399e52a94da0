// SPDX-License-Identifier: GPL-2.0
/* Lines of /proc/PID/maps and texts of /proc/PID/stat: a process chooses its name and those of its files. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "process/proc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Text of exactly this size, so that the sanitizer sees each read behind it. */
static char *text__new(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *line = text__new(data, size), *text = text__new(data, size);
	size_t bytes = strlen(line) + 1;
	struct proc_mapping mapping;
	struct proc_stat stat;

	if (!proc_mapping__parse(line, &mapping)) {
		if (mapping.start >= mapping.end || mapping.path < line ||
			mapping.path >= line + bytes || strlen(mapping.path) >= bytes)
			abort();
	}
	if (!proc_stat__parse(text, &stat) && !strchr(text, ')'))
		abort();
	free(line);
	free(text);
	return 0;
}
