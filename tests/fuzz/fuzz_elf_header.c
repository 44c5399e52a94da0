// SPDX-License-Identifier: GPL-2.0
/* Any file as one that a process has mapped: its headers, build id and segments. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "process/elf_header.h"
#include "process/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct elf_header *header)
{
	struct file file = {.segments = header->segments, .segment_cnt = header->segment_cnt};
	uint64_t offset;

	if (!header->segment_cnt || header->build_id_len > BUILD_ID_BYTES_MAX)
		abort();
	for (offset = 0; offset < 0x10000; offset += 0x1000)
		file__bias(&file, 0x7f0000000000 + offset, offset);
	free(header->segments);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct elf_header header = {0};
	void *image = malloc(size + 1); /* aligned, as a vDSO is */

	if (fd < 0 || !image || write(fd, data, size) != (ssize_t)size)
		abort();
	if (!elf_header__read(fd, &header))
		check(&header);
	memcpy(image, data, size);
	if (!elf_header__read_image(image, size, &header))
		check(&header);
	free(image);
	close(fd);
	return 0;
}
