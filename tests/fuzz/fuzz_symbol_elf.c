// SPDX-License-Identifier: GPL-2.0
/* libFuzzer: the ELF sources on a file of any content; seeds are small real programs, a stripped
 * Go one among them. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "process/file.h"
#include "symbol/memory.h"
#include "symbol/source.h"

#define LOCATIONS 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct symbol_location locations[LOCATIONS] = {0};
	struct symbols symbols = {.memory = symbol_memory__new()};
	struct symbols_options options = {
		.file_bytes_max = 1 << 20,
		.debug_dir = "/nonexistent",
		.dwarf_bytes_max = SIZE_MAX,
	};
	struct file file = {.kind = FILE_VDSO, .fd = -1, .image = data, .image_bytes = size};
	struct symbol_batch batch = {
		.kind = SYMBOL_BATCH_FILE,
		.locations = locations,
		.cnt = LOCATIONS,
		.file = &file,
		.fd = -1,
		.options = &options,
		.symbols = &symbols,
	};

	if (!symbols.memory)
		abort();
	for (size_t i = 0; i < LOCATIONS; i++) {
		/* Where small programs have their code, and where static ones have theirs. */
		locations[i].address = (i < 256 ? 0x1000 : 0x401000) + i % 256 * 24;
		locations[i].mapping = UINT32_MAX;
	}
	symbol_source_gopclntab.resolve(&batch);
	symbol_source_elf.resolve(&batch);
	for (size_t i = 0; i < LOCATIONS; i++)
		for (uint32_t k = 0; k < locations[i].line_cnt; k++)
			if (!locations[i].lines[k].function || !locations[i].lines[k].system_name)
				abort();
	free(symbols.mappings);
	symbol_memory__free(symbols.memory);
	return 0;
}
