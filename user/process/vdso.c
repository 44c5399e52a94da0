// SPDX-License-Identifier: GPL-2.0
/* The daemon's own vDSO. */
#include "process/vdso.h"

#include <elf.h>
#include <string.h>
#include <sys/auxv.h>

#define VDSO_BYTES_MAX (64 * 1024)

const void *vdso__image(size_t *ret_bytes)
{
	const unsigned char *image = (const unsigned char *)getauxval(AT_SYSINFO_EHDR);
	const Elf64_Ehdr *ehdr = (const Elf64_Ehdr *)image;
	size_t bytes;

	if (!image || memcmp(ehdr->e_ident, ELFMAG, SELFMAG))
		return NULL;
	/* The section headers stand last in the image. */
	bytes = ehdr->e_shoff + (size_t)ehdr->e_shnum * ehdr->e_shentsize;
	if (!ehdr->e_shoff || bytes > VDSO_BYTES_MAX)
		return NULL;
	*ret_bytes = bytes;
	return image;
}
