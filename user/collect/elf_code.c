// SPDX-License-Identifier: GPL-2.0
/* The code of an ELF file by address, and the functions that its PLT leads to. The file is hostile input: what is read of
 * it is bounded. */
#include "collect/elf_code.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "process/elf_check.h"

#define SYMBOLS_MAX (2u << 20) /* of one table */
#define RELOCS_MAX  (1u << 20)
#define SECTIONS_BYTES                                                                             \
	(128u << 20) /* that are read of one file, all in all: a sparse one has no end */

static void segments__read(struct elf_code *code)
{
	GElf_Phdr header;
	size_t cnt, i;

	if (elf_getphdrnum(code->elf, &cnt) || cnt > ELF_PROGRAM_HEADERS_MAX)
		return;
	for (i = 0; i < cnt && code->segment_cnt < ELF_CODE_SEGMENTS_MAX; i++) {
		if (!gelf_getphdr(code->elf, (int)i, &header) || header.p_type != PT_LOAD ||
			!(header.p_flags & PF_X))
			continue;
		code->segments[code->segment_cnt++] = (struct elf_code_segment){
			.addr = header.p_vaddr,
			.bytes = header.p_filesz,
			.offset = header.p_offset,
		};
	}
}

int elf_code__open(int fd, struct elf_code *ret)
{
	GElf_Ehdr header;

	*ret = (struct elf_code){.fd = fd};
	if (elf_check__fd(fd))
		return -ENOEXEC;
	elf_version(EV_CURRENT);
	ret->elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!ret->elf || elf_kind(ret->elf) != ELF_K_ELF || !gelf_getehdr(ret->elf, &header) ||
		header.e_ident[EI_CLASS] != ELFCLASS64) {
		elf_code__close(ret);
		return -ENOEXEC;
	}
	ret->machine = header.e_machine;
	segments__read(ret);
	return 0;
}

void elf_code__close(struct elf_code *code)
{
	elf_end(code->elf);
	code->elf = NULL;
}

/* libelf reads a section whole, once. What its header says of its size is the file's own word. */
static Elf_Data *section__data(struct elf_code *code, Elf_Scn *section)
{
	GElf_Shdr header;

	if (!section || !gelf_getshdr(section, &header) || header.sh_type == SHT_NOBITS ||
		header.sh_size > SECTIONS_BYTES - code->section_bytes)
		return NULL;
	code->section_bytes += header.sh_size;
	return elf_getdata(section, NULL);
}

/* Not elf_strptr(), which looks for the end of each name from the end of them all: of a table that has none, for ever. */
struct names {
	const char *text; /* ends in NUL */
	size_t bytes;
};

static bool names__read(struct elf_code *code, size_t index, struct names *ret)
{
	Elf_Data *data = section__data(code, elf_getscn(code->elf, index));

	if (!data || !data->d_buf || !data->d_size || ((char *)data->d_buf)[data->d_size - 1])
		return false;
	*ret = (struct names){.text = data->d_buf, .bytes = data->d_size};
	return true;
}

static const char *names__get(const struct names *names, size_t offset)
{
	return offset < names->bytes ? names->text + offset : NULL;
}

void elf_code__each_function(struct elf_code *code,
	void (*fn)(const char *name, const GElf_Sym *symbol, void *arg), void *arg)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	GElf_Sym symbol;

	while ((section = elf_nextscn(code->elf, section))) {
		struct names names;
		Elf_Data *data;
		size_t cnt, i;

		if (!gelf_getshdr(section, &header) ||
			(header.sh_type != SHT_DYNSYM && header.sh_type != SHT_SYMTAB) ||
			!header.sh_entsize)
			continue;
		data = section__data(code, section);
		if (!data || !names__read(code, header.sh_link, &names))
			continue;
		cnt = header.sh_size / header.sh_entsize;
		for (i = 0; i < cnt && i < SYMBOLS_MAX; i++) {
			const char *name;

			if (!gelf_getsym(data, (int)i, &symbol))
				break;
			if (GELF_ST_TYPE(symbol.st_info) != STT_FUNC ||
				symbol.st_shndx == SHN_UNDEF || !symbol.st_value)
				continue;
			name = names__get(&names, symbol.st_name);
			if (name)
				fn(name, &symbol, arg);
		}
	}
}

static void section__read_slots(struct elf_code *code, Elf_Scn *section, const GElf_Shdr *header,
	int (*number)(const char *name, void *arg), void *arg)
{
	Elf_Scn *symbol_section = elf_getscn(code->elf, header->sh_link);
	GElf_Shdr symbol_header;
	Elf_Data *data, *symbols;
	struct names names;
	size_t cnt, i;

	if (!symbol_section || !gelf_getshdr(symbol_section, &symbol_header) || !header->sh_entsize)
		return;
	data = section__data(code, section);
	symbols = data ? section__data(code, symbol_section) : NULL;
	if (!symbols || !names__read(code, symbol_header.sh_link, &names))
		return;
	cnt = header->sh_size / header->sh_entsize;
	for (i = 0; i < cnt && i < RELOCS_MAX && code->slot_cnt < ELF_CODE_SLOTS_MAX; i++) {
		GElf_Rela reloc;
		GElf_Sym symbol;
		const char *name;
		int function;

		if (!gelf_getrela(data, (int)i, &reloc))
			return;
		if (!GELF_R_SYM(reloc.r_info) ||
			!gelf_getsym(symbols, (int)GELF_R_SYM(reloc.r_info), &symbol))
			continue;
		name = names__get(&names, symbol.st_name);
		function = name ? number(name, arg) : -1;
		if (function >= 0)
			code->slots[code->slot_cnt++] = (struct elf_code_slot){
				.addr = reloc.r_offset, .function = (uint32_t)function};
	}
}

void elf_code__read_slots(
	struct elf_code *code, int (*number)(const char *name, void *arg), void *arg)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	while ((section = elf_nextscn(code->elf, section)))
		if (gelf_getshdr(section, &header) && header.sh_type == SHT_RELA)
			section__read_slots(code, section, &header, number, arg);
}

static const struct elf_code_segment *code__segment(const struct elf_code *code, uint64_t addr)
{
	uint32_t i;

	for (i = 0; i < code->segment_cnt; i++)
		if (addr - code->segments[i].addr < code->segments[i].bytes)
			return &code->segments[i];
	return NULL;
}

bool elf_code__offset(const struct elf_code *code, uint64_t addr, uint64_t *ret)
{
	const struct elf_code_segment *segment = code__segment(code, addr);

	if (!segment)
		return false;
	*ret = addr - segment->addr + segment->offset;
	return true;
}

size_t elf_code__read(const struct elf_code *code, uint64_t addr, void *buffer, size_t bytes)
{
	const struct elf_code_segment *segment = code__segment(code, addr);
	uint64_t in_segment;
	ssize_t got;

	if (!segment)
		return 0;
	in_segment = addr - segment->addr;
	if (bytes > segment->bytes - in_segment)
		bytes = segment->bytes - in_segment;
	got = pread(code->fd, buffer, bytes, (off_t)(segment->offset + in_segment));
	return got < 0 ? 0 : (size_t)got;
}

/* endbr64 or not, bnd or not, jmp *slot(%rip) */
int elf_code__plt_function(const struct elf_code *code, uint64_t addr)
{
	static const uint8_t endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};
	uint8_t bytes[16];
	size_t cnt = elf_code__read(code, addr, bytes, sizeof(bytes)), at = 0;
	int32_t offset;
	uint64_t slot;
	uint32_t i;

	if (cnt >= sizeof(endbr64) && !memcmp(bytes, endbr64, sizeof(endbr64)))
		at = sizeof(endbr64);
	if (at < cnt && bytes[at] == 0xf2)
		at++;
	if (at + 6 > cnt || bytes[at] != 0xff || bytes[at + 1] != 0x25)
		return -1;
	memcpy(&offset, bytes + at + 2, sizeof(offset));
	slot = addr + at + 6 + (uint64_t)(int64_t)offset;
	for (i = 0; i < code->slot_cnt; i++)
		if (code->slots[i].addr == slot)
			return (int)code->slots[i].function;
	return -1;
}
