// SPDX-License-Identifier: GPL-2.0
/* Where an ELF file keeps its call frame information: by section headers, else by
 * PT_GNU_EH_FRAME. */
#include <dwarf.h>
#include <errno.h>
#include <gelf.h>
#include <string.h>

#include "unwind/elf_frames.h"
#include "unwind/pointer.h"
#include "unwind/registers_x86.h"

/* libelf allocates by these counts before it reads: a forged one must not reach it. */
#define SECTIONS_MAX 8192
#define HEADERS_MAX  1024
#define NAME_BYTES   sizeof(".data.rel.ro.gopclntab")
#define HDR_BYTES    20 /* version, three encodings, two pointers of at most 8 bytes */

struct finder {
	const struct elf_source *source;
	struct elf_frames_limits limits;
	struct elf_frames *frames;
	Elf *elf;
	GElf_Phdr loads[ELF_SEGMENTS_MAX];
	unsigned int load_cnt;
	GElf_Phdr hdr; /* PT_GNU_EH_FRAME; p_type is PT_NULL without one */
	GElf_Shdr names;
	bool has_eh_frame_header; /* a section header, of whatever type */
	const char *reason;
};

static int refuse(struct finder *f, int err, const char *reason)
{
	f->reason = reason;
	return err;
}

/* The number of section headers; e_shnum = 0 puts it into the first one (gABI, e_shnum). */
static int section_cnt(struct finder *f, const Elf64_Ehdr *ehdr, uint64_t *ret_cnt)
{
	Elf64_Shdr first;

	*ret_cnt = ehdr->e_shnum;
	if (ehdr->e_shnum || !ehdr->e_shoff)
		return 0;
	if (elf_source__read(f->source, ehdr->e_shoff, &first, sizeof(first)))
		return refuse(f, -EINVAL, "section headers lie beyond the end of the file");
	*ret_cnt = first.sh_size;
	return 0;
}

/* What libelf takes from the ELF header on trust. */
static int check_header(struct finder *f)
{
	Elf64_Ehdr ehdr;
	uint64_t cnt;
	int err;

	if (elf_source__read(f->source, 0, &ehdr, sizeof(ehdr)) ||
		memcmp(ehdr.e_ident, ELFMAG, SELFMAG))
		return refuse(f, -ENOEXEC, "not an ELF file");
	if (ehdr.e_ident[EI_CLASS] != ELFCLASS64 || ehdr.e_ident[EI_DATA] != ELFDATA2LSB ||
		ehdr.e_machine != CFI_MACHINE)
		return refuse(f, -ENOEXEC, "an ELF file of another machine");
	if (ehdr.e_type != ET_EXEC && ehdr.e_type != ET_DYN)
		return refuse(f, -ENOEXEC, "neither an executable nor a shared object");
	err = section_cnt(f, &ehdr, &cnt);
	if (err)
		return err;
	if (cnt > SECTIONS_MAX || ehdr.e_phnum > HEADERS_MAX)
		return refuse(f, -E2BIG, "too many section or program headers");
	f->frames->entry = ehdr.e_entry;
	if (cnt && ehdr.e_shentsize != sizeof(Elf64_Shdr))
		return refuse(f, -EINVAL, "section headers of an unknown size");
	if (ehdr.e_phnum && ehdr.e_phentsize != sizeof(Elf64_Phdr))
		return refuse(f, -EINVAL, "program headers of an unknown size");
	return 0;
}

static int add_load(struct finder *f, const GElf_Phdr *phdr)
{
	struct elf_range *range;

	if (f->load_cnt == ELF_SEGMENTS_MAX)
		return refuse(f, -E2BIG, "too many PT_LOAD segments");
	if (phdr->p_memsz > UINT64_MAX - phdr->p_vaddr)
		return refuse(f, -EINVAL, "a segment beyond the address space");
	f->loads[f->load_cnt++] = *phdr;
	if (phdr->p_flags & PF_X) {
		range = &f->frames->code[f->frames->code_cnt++];
		range->start = phdr->p_vaddr;
		range->end = phdr->p_vaddr + phdr->p_memsz;
		range->offset = phdr->p_offset;
		range->file_bytes = phdr->p_filesz < phdr->p_memsz ? phdr->p_filesz : phdr->p_memsz;
	}
	return 0;
}

static int read_segments(struct finder *f)
{
	GElf_Phdr phdr;
	size_t cnt;
	int err = 0;

	if (elf_getphdrnum(f->elf, &cnt))
		return refuse(f, -EINVAL, "program headers cannot be read");
	for (size_t i = 0; i < cnt && !err; i++) {
		if (!gelf_getphdr(f->elf, i, &phdr))
			return refuse(f, -EINVAL, "program headers lie beyond the end of the file");
		if (phdr.p_type == PT_LOAD)
			err = add_load(f, &phdr);
		else if (phdr.p_type == PT_GNU_EH_FRAME)
			f->hdr = phdr;
	}
	return err;
}

/* A compressed section starts with an Elf64_Chdr. libelf would inflate it in one go, so only the
 * header is looked at here. */
static int read_compression(struct finder *f, struct elf_section *section)
{
	Elf64_Chdr chdr;

	if (section->bytes < sizeof(chdr) ||
		elf_source__read(f->source, section->offset, &chdr, sizeof(chdr)))
		return refuse(f, -EINVAL, "a compressed section without its header");
	if (chdr.ch_type != ELFCOMPRESS_ZLIB)
		return refuse(f, -ENOTSUP, "a section compressed by something else than zlib");
	if (chdr.ch_size > f->limits.inflated_bytes)
		return refuse(f, -EFBIG, "call frame section too big");
	section->offset += sizeof(chdr);
	section->bytes -= sizeof(chdr);
	section->inflated_bytes = chdr.ch_size;
	if (!chdr.ch_size)
		section->bytes = 0;
	return 0;
}

static int take_section(struct finder *f, const GElf_Shdr *shdr, struct elf_section *ret_section)
{
	struct elf_section section = {
		.offset = shdr->sh_offset, .bytes = shdr->sh_size, .address = shdr->sh_addr};
	int err = 0;

	if (section.bytes > f->limits.section_bytes)
		return refuse(f, -EFBIG, "call frame section too big");
	if (section.offset > f->source->bytes || section.bytes > f->source->bytes - section.offset)
		return refuse(f, -EINVAL, "call frame section reaches beyond the end of the file");
	if (shdr->sh_flags & SHF_COMPRESSED)
		err = read_compression(f, &section);
	if (!err)
		*ret_section = section;
	return err;
}

/* The name, cut off after NAME_BYTES, or "" where the string table does not have it. */
static void read_name(const struct finder *f, const GElf_Shdr *shdr, char ret_name[NAME_BYTES + 1])
{
	uint64_t offset = f->names.sh_offset + shdr->sh_name;
	uint64_t left;

	memset(ret_name, 0, NAME_BYTES + 1);
	if (shdr->sh_name >= f->names.sh_size || offset < shdr->sh_name ||
		offset >= f->source->bytes)
		return;
	left = f->names.sh_size - shdr->sh_name;
	if (left > f->source->bytes - offset)
		left = f->source->bytes - offset;
	if (elf_source__read(f->source, offset, ret_name, left < NAME_BYTES ? left : NAME_BYTES))
		ret_name[0] = 0;
}

static int read_section(struct finder *f, const GElf_Shdr *shdr)
{
	struct elf_frames *frames = f->frames;
	char name[NAME_BYTES + 1];
	bool has_bytes;

	/* lld and gold use PROGBITS, binutils SHT_X86_64_UNWIND; a file of debug information has
	 * NOBITS. */
	has_bytes = (shdr->sh_type == SHT_PROGBITS || shdr->sh_type == SHT_X86_64_UNWIND) &&
		    shdr->sh_size;
	read_name(f, shdr, name);
	if (!strcmp(name, ".eh_frame")) {
		f->has_eh_frame_header = true;
		if (has_bytes && !frames->eh_frame.bytes)
			return take_section(f, shdr, &frames->eh_frame);
	}
	if (!strcmp(name, ".debug_frame") && has_bytes && !frames->debug_frame.bytes)
		return take_section(f, shdr, &frames->debug_frame);
	if (!strcmp(name, ".gopclntab") || !strcmp(name, ".data.rel.ro.gopclntab"))
		f->frames->has_go = true;
	if (!strcmp(name, ".text"))
		frames->text_address = shdr->sh_addr;
	else if (!strcmp(name, ".got.plt") || (!strcmp(name, ".got") && !frames->got_address))
		frames->got_address = shdr->sh_addr; /* DT_PLTGOT: what libgcc takes as base too */
	return 0;
}

static int read_sections(struct finder *f)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr shdr;
	size_t names;
	int err = 0;

	if (elf_getshdrstrndx(f->elf, &names) || !(scn = elf_getscn(f->elf, names)) ||
		!gelf_getshdr(scn, &f->names))
		return 0; /* stripped of section headers */
	scn = NULL;
	while (!err && (scn = elf_nextscn(f->elf, scn)))
		if (gelf_getshdr(scn, &shdr))
			err = read_section(f, &shdr);
	return err;
}

/* The file bytes from an address on: up to the end of its segment. */
static int locate(const struct finder *f, uint64_t address, struct elf_section *ret_section)
{
	const GElf_Phdr *load;
	uint64_t skip;

	for (unsigned int i = 0; i < f->load_cnt; i++) {
		load = &f->loads[i];
		skip = address - load->p_vaddr;
		if (address < load->p_vaddr || skip >= load->p_filesz ||
			skip > UINT64_MAX - load->p_offset)
			continue;
		ret_section->address = address;
		ret_section->offset = load->p_offset + skip;
		ret_section->bytes = load->p_filesz - skip;
		return 0;
	}
	return -ENOENT;
}

/* .eh_frame_hdr points to .eh_frame and counts its FDEs (LSB Core, 10.6.2). */
static int read_eh_frame_hdr(struct finder *f)
{
	struct elf_section hdr, section = {.is_open_ended = true};
	struct pointer_bases bases = {.bytes_address = f->hdr.p_vaddr, .data = f->hdr.p_vaddr};
	uint8_t bytes[HDR_BYTES];
	uint64_t address = 0, limit = f->limits.section_bytes;
	struct cursor c;

	if (locate(f, f->hdr.p_vaddr, &hdr) || hdr.bytes < sizeof(bytes) ||
		elf_source__read(f->source, hdr.offset, bytes, sizeof(bytes)) || bytes[0] != 1)
		return refuse(f, -EINVAL, "PT_GNU_EH_FRAME without a readable .eh_frame_hdr");
	c = cursor__new(bytes, sizeof(bytes));
	bases.origin = bytes;
	cursor__skip(&c, 4);
	if (pointer__read(&c, bytes[1], &bases, &address) || c.overrun ||
		locate(f, address, &section))
		return refuse(f, -EINVAL, ".eh_frame_hdr does not point to .eh_frame");
	if (pointer__read(&c, bytes[2], &bases, &section.fde_cnt) || c.overrun)
		section.fde_cnt = 0;
	if (section.offset >= f->source->bytes)
		return refuse(f, -EINVAL, "call frame section reaches beyond the end of the file");
	if (section.bytes > f->source->bytes - section.offset)
		section.bytes = f->source->bytes - section.offset;
	if (section.bytes > limit)
		section.bytes = limit;
	f->frames->eh_frame = section;
	return 0;
}

/* Go's .debug_frame says that rbp stays unchanged, which is wrong in every frame, and marks no
 * function as the first of its stack. A walk along its frame pointers finds both. */
static int read_headers(struct finder *f)
{
	const char *none = "no call frame information";
	int err = read_segments(f);

	if (!err)
		err = read_sections(f);
	if (!err && !f->has_eh_frame_header && f->hdr.p_type == PT_GNU_EH_FRAME)
		err = read_eh_frame_hdr(f);
	if (!err && f->frames->has_go && f->frames->debug_frame.bytes) {
		f->frames->debug_frame = (struct elf_section){0};
		none = "only Go code, which keeps frame pointers";
	}
	if (!err && !f->frames->eh_frame.bytes && !f->frames->debug_frame.bytes)
		err = refuse(f, -ENODATA, none);
	return err;
}

int elf_frames__find(const struct elf_source *source, const struct elf_frames_limits *limits,
	struct elf_frames *ret_frames, const char **ret_reason)
{
	struct elf_frames frames = {0};
	struct finder f = {.source = source, .limits = *limits, .frames = &frames};
	int err = check_header(&f);

	if (err)
		goto out;
	elf_version(EV_CURRENT);
	f.elf = source->memory ? elf_memory((char *)source->memory, source->bytes)
			       : elf_begin(source->fd, ELF_C_READ, NULL);
	err = f.elf && elf_kind(f.elf) == ELF_K_ELF
		      ? read_headers(&f)
		      : refuse(&f, -EINVAL, "libelf cannot read the headers");
	elf_end(f.elf);
	if (!err || err == -ENODATA)
		*ret_frames = frames;
out:
	if (err)
		*ret_reason = f.reason;
	return err;
}
