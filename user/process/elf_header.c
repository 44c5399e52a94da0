// SPDX-License-Identifier: GPL-2.0
/* Program headers and build id of an ELF file, through libelf. */
#include "process/elf_header.h"

#include <errno.h>
#include <gelf.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>

#include "process/elf_check.h"

#define SEGMENTS_MAX   64
#define NOTE_BYTES_MAX (64 * 1024)

#if defined(__x86_64__)
#define MACHINE EM_X86_64
#elif defined(__aarch64__)
#define MACHINE EM_AARCH64
#else
#error "no ELF machine for this architecture"
#endif

static void note__find_build_id(Elf *elf, const GElf_Phdr *phdr, struct elf_header *header)
{
	size_t offset = 0, name_offset, desc_offset;
	GElf_Nhdr note;
	Elf_Data *data;

	if (header->build_id_len || phdr->p_filesz > NOTE_BYTES_MAX)
		return;
	data = elf_getdata_rawchunk(elf, (int64_t)phdr->p_offset, phdr->p_filesz, ELF_T_NHDR);
	if (!data)
		return;
	while ((offset = gelf_getnote(data, offset, &note, &name_offset, &desc_offset)) > 0) {
		if (note.n_type != NT_GNU_BUILD_ID || note.n_namesz != sizeof("GNU") ||
			memcmp((char *)data->d_buf + name_offset, "GNU", sizeof("GNU")) ||
			!note.n_descsz || note.n_descsz > BUILD_ID_BYTES_MAX)
			continue;
		memcpy(header->build_id, (char *)data->d_buf + desc_offset, note.n_descsz);
		header->build_id_len = (uint8_t)note.n_descsz;
		return;
	}
}

static int header__read_segments(Elf *elf, size_t phdr_cnt, struct elf_header *header)
{
	size_t i;

	header->segments = calloc(SEGMENTS_MAX, sizeof(*header->segments));
	if (!header->segments)
		return -ENOMEM;
	for (i = 0; i < phdr_cnt; i++) {
		GElf_Phdr phdr;

		if (!gelf_getphdr(elf, (int)i, &phdr))
			return -EIO;
		if (phdr.p_type == PT_NOTE)
			note__find_build_id(elf, &phdr, header);
		if (phdr.p_type != PT_LOAD || !(phdr.p_flags & PF_X) ||
			header->segment_cnt == SEGMENTS_MAX)
			continue;
		header->segments[header->segment_cnt++] = (struct file_segment){
			.offset = phdr.p_offset,
			.vaddr = phdr.p_vaddr,
			.file_bytes = phdr.p_filesz,
			.mem_bytes = phdr.p_memsz,
		};
	}
	return header->segment_cnt ? 0 : -ENOEXEC;
}

static int header__read(Elf *elf, struct elf_header *ret)
{
	struct elf_header header = {0};
	size_t phdr_cnt;
	GElf_Ehdr ehdr;
	int err;

	if (elf_kind(elf) != ELF_K_ELF || gelf_getclass(elf) != ELFCLASS64 ||
		!gelf_getehdr(elf, &ehdr))
		return -ENOEXEC;
	if (ehdr.e_machine != MACHINE || (ehdr.e_type != ET_EXEC && ehdr.e_type != ET_DYN))
		return -ENOEXEC;
	if (elf_getphdrnum(elf, &phdr_cnt) || phdr_cnt > ELF_PROGRAM_HEADERS_MAX)
		return -ENOEXEC;
	header.position_fixed = ehdr.e_type == ET_EXEC;
	err = header__read_segments(elf, phdr_cnt, &header);
	if (err) {
		free(header.segments);
		return err;
	}
	*ret = header;
	return 0;
}

int elf_header__read(int fd, struct elf_header *ret)
{
	int err = elf_check__fd(fd);
	Elf *elf;

	if (err)
		return err;
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!elf)
		return -ENOEXEC;
	err = header__read(elf, ret);
	elf_end(elf);
	return err;
}

int elf_header__read_image(const void *image, size_t image_bytes, struct elf_header *ret)
{
	Elf *elf;
	int err;

	elf_version(EV_CURRENT);
	/* elf_memory() takes a plain pointer, but reads only. */
	elf = elf_memory((char *)image, image_bytes);
	if (!elf)
		return -ENOEXEC;
	err = header__read(elf, ret);
	elf_end(elf);
	return err;
}
