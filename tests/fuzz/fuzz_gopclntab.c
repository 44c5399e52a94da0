// SPDX-License-Identifier: GPL-2.0
/* libFuzzer: a Go program's .gopclntab, and its inline trees, of any content. */
#include <elf.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "symbol/elf_view.h"
#include "symbol/go_table.h"

#define TEXT       0x401000ull
#define TEXT_BYTES 0x1000ull
#define DATA       0x500000ull /* moduledata */
#define TABLE      0x600000ull
#define BYTES_MAX  65536
#define CALLS_MAX  64

enum { SECTION_NULL, SECTION_TEXT, SECTION_DATA, SECTION_TABLE, SECTION_NAMES, SECTION_CNT };

static const char names[] = "\0.text\0.data\0.gopclntab\0.shstrtab";

/* An ELF file whose last part is the input. */
static struct {
	Elf64_Ehdr header;
	Elf64_Shdr sections[SECTION_CNT];
	uint64_t module[64];
	char names[sizeof(names)];
	char text[TEXT_BYTES];
	_Alignas(8) unsigned char table[BYTES_MAX];
} image;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static Elf64_Shdr section(uint32_t name, uint32_t type, uint64_t flags, uint64_t address,
	const void *content, uint64_t bytes)
{
	return (Elf64_Shdr){.sh_name = name,
		.sh_type = type,
		.sh_flags = flags,
		.sh_addr = address,
		.sh_offset = (const char *)content - (const char *)&image,
		.sh_size = bytes};
}

static void make_image(const uint8_t *data, size_t size)
{
	memset(&image, 0, sizeof(image));
	memcpy(image.header.e_ident, ELFMAG, SELFMAG);
	image.header.e_ident[EI_CLASS] = ELFCLASS64;
	image.header.e_ident[EI_DATA] = ELFDATA2LSB;
	image.header.e_ident[EI_VERSION] = EV_CURRENT;
	image.header.e_type = ET_EXEC;
	image.header.e_machine = EM_X86_64;
	image.header.e_version = EV_CURRENT;
	image.header.e_ehsize = sizeof(image.header);
	image.header.e_shoff = offsetof(typeof(image), sections);
	image.header.e_shentsize = sizeof(Elf64_Shdr);
	image.header.e_shnum = SECTION_CNT;
	image.header.e_shstrndx = SECTION_NAMES;
	image.sections[SECTION_TEXT] = section(
		1, SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, TEXT, image.text, TEXT_BYTES);
	image.sections[SECTION_DATA] = section(
		7, SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, DATA, image.module, sizeof(image.module));
	image.sections[SECTION_TABLE] = section(
		13, SHT_PROGBITS, SHF_ALLOC, TABLE, image.table, size);
	image.sections[SECTION_NAMES] = section(
		24, SHT_STRTAB, 0, 0, image.names, sizeof(image.names));
	memcpy(image.names, names, sizeof(names));
	/* runtime.firstmoduledata: pclntab, minpc, text, gofunc; the trees stand in the table */
	image.module[0] = TABLE;
	image.module[20] = image.module[22] = TEXT;
	image.module[38] = image.module[40] = TABLE;
	memcpy(image.table, data, size);
}

static void ask(struct go_table *table, uint64_t address)
{
	static struct go_frame frame;
	struct go_function function;
	uint64_t pc = address;
	bool last = false;

	if (!go_table__find(table, address, &function))
		return;
	for (unsigned int i = 0;
		i < CALLS_MAX && !last && go_table__frame(table, &function, &pc, &frame, &last);
		i++)
		if (memchr(frame.name, '\0', sizeof(frame.name)) == NULL ||
			memchr(frame.file, '\0', sizeof(frame.file)) == NULL)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct elf_view view;
	struct go_table table;

	if (size > BYTES_MAX)
		return 0;
	make_image(data, size);
	if (elf_view__open_image(&view, &image, sizeof(image)) != 0)
		abort();
	if (go_table__open(&table, &view, BYTES_MAX) == 0) {
		for (uint64_t offset = 0; offset < TEXT_BYTES; offset += 37)
			ask(&table, TEXT + offset);
		go_table__close(&table);
	}
	elf_view__close(&view);
	return 0;
}
