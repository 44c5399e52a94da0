// SPDX-License-Identifier: GPL-2.0
/* libFuzzer: any text as /proc/kallsyms gives symbols inside of it, or none. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "symbol/kallsyms.h"
#include "symbol/memory.h"
#include "symbol/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct kallsym *symbol, void *arg)
{
	size_t *cnt = arg;

	if (symbol->name_len == 0 || symbol->name_len > 64 * 1024 || symbol->module_len > 64 * 1024)
		abort();
	(*cnt)++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct symbol_location locations[3] = {
		{.address = 0xffffffff81000000, .mapping = UINT32_MAX},
		{.address = 0xffffffff81000010, .mapping = UINT32_MAX},
		{.address = 0xffffffffc0201000, .mapping = UINT32_MAX},
	};
	struct symbols symbols = {.memory = symbol_memory__new()};
	struct symbols_options options = {0};
	struct symbol_batch batch = {
		.kind = SYMBOL_BATCH_KERNEL,
		.locations = locations,
		.cnt = 3,
		.fd = -1,
		.options = &options,
		.symbols = &symbols,
	};
	int fd = memfd_create("kallsyms", 0);
	char path[64] = "/proc/self/fd/";
	size_t cnt = 0;

	if (fd < 0 || fd > 99 || !symbols.memory || write(fd, data, size) != (ssize_t)size)
		abort();
	path[14] = '0' + fd / 10;
	path[15] = '0' + fd % 10;
	options.kallsyms_path = path;
	lseek(fd, 0, SEEK_SET);
	kallsyms__each(fd, check, &cnt);
	symbol_source_kallsyms.resolve(&batch);
	for (size_t i = 0; i < 3; i++)
		if (locations[i].mapping != UINT32_MAX &&
			locations[i].mapping >= symbols.mapping_cnt)
			abort();
	close(fd);
	free(symbols.mappings);
	symbol_memory__free(symbols.memory);
	return 0;
}
