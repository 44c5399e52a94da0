// SPDX-License-Identifier: GPL-2.0
/* DWARF of any content, as the daemon meets it: an ELF file goes to the child that asks libdw, which may end as it likes; what
 * is none is what such a child could write. Either way the daemon goes on, and what it takes is whole. */
#include "../../user/symbol/dwarf.c"

#include <sys/mman.h>

#define LOCATIONS 512
#define CHILD_MS  2000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct symbol_location *locations)
{
	size_t i;
	uint32_t k;

	for (i = 0; i < LOCATIONS; i++) {
		if (locations[i].line_cnt > DWARF_CALLS_MAX)
			abort();
		for (k = 0; k < locations[i].line_cnt; k++)
			if (!locations[i].lines[k].function || !locations[i].lines[k].system_name)
				abort();
	}
}

static void read_as_a_childs(struct symbol_batch *batch, int fd)
{
	struct worker worker = {.fd = fd, .deadline_ns = INT64_MAX};

	if (lseek(fd, 0, SEEK_SET))
		abort();
	read_answers(batch, &worker);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct symbol_location locations[LOCATIONS] = {0};
	struct symbol_line known = {.function = "f", .system_name = "f"};
	struct symbols symbols = {.memory = symbol_memory__new()};
	struct symbols_options options = {.file_bytes_max = 1 << 20,
		.debug_dir = "/nonexistent",
		.dwarf_bytes_max = 1 << 20,
		.dwarf_ms_max = CHILD_MS};
	struct file file = {.kind = FILE_ELF, .fd = -1};
	struct symbol_batch batch = {
		.kind = SYMBOL_BATCH_FILE,
		.locations = locations,
		.cnt = LOCATIONS,
		.file = &file,
		.fd = memfd_create("fuzz", MFD_CLOEXEC),
		.options = &options,
		.symbols = &symbols,
	};
	size_t i;

	if (!symbols.memory || batch.fd < 0 || write(batch.fd, data, size) != (ssize_t)size)
		abort();
	for (i = 0; i < LOCATIONS; i++) {
		locations[i].address = 0x1000 + i * 4;
		locations[i].mapping = UINT32_MAX;
		if (i % 2)
			locations[i].lines = &known, locations[i].line_cnt = 1;
	}
	if (size >= SELFMAG && !memcmp(data, ELFMAG, SELFMAG))
		symbol_source_dwarf.resolve(&batch);
	else
		read_as_a_childs(&batch, batch.fd);
	check(locations);
	close(batch.fd);
	symbol_memory__free(symbols.memory);
	return 0;
}
