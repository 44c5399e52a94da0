// SPDX-License-Identifier: GPL-2.0
/* Any file as an ELF file with an allocator, and any bytes as a function's code: both are a process's own choice. */
#include <elf.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "collect/allocator.h"
#include "collect/heap_usdt.h"
#include "collect/probe_site.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_site(const uint8_t *data, size_t size, bool wants_return)
{
	bool is_emulated;
	uint32_t site = probe_site__choose(EM_X86_64, data, size, 1, wants_return, &is_emulated);

	if (site && site >= size)
		abort();
	if (!is_emulated && site)
		abort();
}

/* What a note says of its arguments. */
static void fuzz_arguments(const uint8_t *data, size_t size)
{
	struct usdt_arguments arguments;
	char *text = malloc(size + 1);

	if (!text)
		return;
	memcpy(text, data, size);
	text[size] = '\0';
	usdt_x86__parse(text, &arguments);
	free(text);
}

static void fuzz_file(const uint8_t *data, size_t size)
{
	static struct allocator allocator;
	static struct heap_usdt usdt;
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	uint32_t i;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	if (!allocator__read(fd, &allocator)) {
		if (allocator.cnt > ALLOCATOR_FUNCTIONS_MAX)
			abort();
		for (i = 0; i < allocator.cnt; i++)
			if (allocator.functions[i].site >= PROBE_CODE_BYTES_MAX)
				abort();
	}
	if (!heap_usdt__read(fd, &usdt) && usdt.cnt > HEAP_USDT_PROBES_MAX)
		abort();
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_site(data, size, true);
	fuzz_site(data, size, false);
	fuzz_arguments(data, size);
	fuzz_file(data, size);
	return 0;
}
