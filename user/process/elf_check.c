// SPDX-License-Identifier: GPL-2.0
/* Reads an ELF file's header, and its first section header where the count of them stands there. */
#include "process/elf_check.h"

#include <elf.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#define SECTIONS_MAX 16384

/* e_shnum of 0 puts the number into the first section header (gABI, e_shnum). */
static int section_cnt(int fd, const Elf64_Ehdr *header, uint64_t *ret)
{
	Elf64_Shdr first;
	ssize_t got;

	*ret = header->e_shnum;
	if (header->e_shnum || !header->e_shoff)
		return 0;
	got = pread(fd, &first, sizeof(first), (off_t)header->e_shoff);
	if (got < 0 && errno != EINVAL)
		return -EIO;
	*ret = got == sizeof(first) ? first.sh_size : 0;
	return 0;
}

int elf_check__fd(int fd)
{
	uint64_t cnt = 0;
	Elf64_Ehdr header;
	ssize_t got = pread(fd, &header, sizeof(header), 0);
	int err;

	if (got < 0)
		return -EIO;
	if (got != sizeof(header) || memcmp(header.e_ident, ELFMAG, SELFMAG) ||
		header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_phnum > ELF_PROGRAM_HEADERS_MAX)
		return -ENOEXEC;
	err = section_cnt(fd, &header, &cnt);
	return err ? err : cnt > SECTIONS_MAX ? -ENOEXEC : 0;
}
