// SPDX-License-Identifier: GPL-2.0
/* libFuzzer: any text as a perf map gives entries whose names lie inside of their lines. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "symbol/line_reader.h"
#include "symbol/perf_map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool check(const char *line, size_t len, void *arg)
{
	struct perf_map_entry entry;

	if (len > LINE_BYTES_MAX)
		abort();
	if (!perf_map_entry__parse(line, len, &entry))
		return true;
	if (entry.name < line || entry.name_len == 0 || entry.name + entry.name_len > line + len)
		abort();
	return (*(size_t *)arg)++ < 100000;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("perf map", 0);
	size_t cnt = 0;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	lseek(fd, 0, SEEK_SET);
	line_reader__each(fd, SIZE_MAX, check, &cnt);
	close(fd);
	return 0;
}
