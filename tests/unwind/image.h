/* SPDX-License-Identifier: GPL-2.0 */
/* ELF files and call frame records made by hand, for the tests of user/unwind. */
#ifndef TESTS_UNWIND_IMAGE_H
#define TESTS_UNWIND_IMAGE_H

#include <assert.h>
#include <dwarf.h>
#include <elf.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "unwind/cfi.h"
#include "unwind/rule_text.h"

/* Bytes that grow at their end. */
struct bytes {
	uint8_t data[16384];
	size_t len;
};

static inline void put(struct bytes *b, const void *data, size_t len)
{
	assert(b->len + len <= sizeof(b->data));
	if (len)
		memcpy(b->data + b->len, data, len);
	b->len += len;
}

static inline void put_uint(struct bytes *b, uint64_t value, size_t len)
{
	put(b, &value, len); /* little-endian, as the files are */
}

/* Instructions as a C string of bytes: put_code(b, CODE("\x0e\x10")). */
#define CODE(string) (const uint8_t *)(string), sizeof(string) - 1

/* The length is filled in by end_record. */
static inline size_t begin_record(struct bytes *b)
{
	put_uint(b, 0, 4);
	return b->len;
}

static inline void end_record(struct bytes *b, size_t start)
{
	uint32_t len;

	while ((b->len - start) % 4)
		put_uint(b, DW_CFA_nop, 1);
	len = b->len - start;
	memcpy(b->data + start - 4, &len, 4);
}

/* def_cfa rsp+8, return address at CFA-8: how every compiler's CIE ends. */
#define CIE_CODE CODE("\x0c\x07\x08\x90\x01")

/* Returns the record's offset. data: the augmentation data that the letters ask for. */
static inline size_t put_cie_code(struct bytes *b, const char *letters, const uint8_t *data,
	size_t data_len, const uint8_t *code, size_t code_len)
{
	size_t start = begin_record(b);

	put_uint(b, 0, 4);
	put_uint(b, 1, 1);
	put(b, letters, strlen(letters) + 1);
	put(b, "\x01\x78\x10", 3); /* code_align 1, data_align -8, return address column 16 */
	if (letters[0] == 'z') {
		put_uint(b, data_len, 1);
		put(b, data, data_len);
	}
	put(b, code, code_len);
	end_record(b, start);
	return start - 4;
}

static inline size_t put_cie(
	struct bytes *b, const char *letters, const uint8_t *data, size_t data_len)
{
	return put_cie_code(b, letters, data, data_len, CIE_CODE);
}

/* A CIE whose FDEs have plain 8-byte addresses and no augmentation data. */
static inline size_t put_plain_cie(struct bytes *b)
{
	return put_cie(b, "", NULL, 0);
}

static inline void put_fde(struct bytes *b, size_t cie, uint64_t begin, uint64_t len,
	const uint8_t *code, size_t code_len)
{
	size_t start = begin_record(b);

	put_uint(b, start - cie, 4);
	put_uint(b, begin, 8);
	put_uint(b, len, 8);
	put(b, code, code_len);
	end_record(b, start);
}

/* What an image is made of. Code is all of [CODE_START, CODE_END). */
#define CODE_START    0x1000ull
#define CODE_END      0x101000ull
#define FRAME_ADDRESS 0x200000ull /* of .eh_frame */

struct image_spec {
	const struct bytes *eh_frame;
	const struct bytes *debug_frame;
	bool compress_debug_frame;
	bool no_section_headers; /* PT_GNU_EH_FRAME instead */
	uint32_t hdr_fde_cnt;    /* in .eh_frame_hdr; 0: no count there */
};

struct image {
	uint8_t data[65536];
	size_t len;
	Elf64_Ehdr *ehdr;
	Elf64_Phdr *phdrs; /* code, frames, PT_GNU_EH_FRAME */
	Elf64_Shdr *shdrs; /* null, .shstrtab, .eh_frame, .debug_frame */
};

enum { SHDR_NAMES = 1, SHDR_EH_FRAME, SHDR_DEBUG_FRAME, SHDR_CNT };

static inline size_t image__add(struct image *image, const void *data, size_t len)
{
	size_t offset = image->len;

	assert(image->len + len <= sizeof(image->data));
	if (data)
		memcpy(image->data + offset, data, len);
	image->len = (offset + len + 7) & ~7ull;
	return offset;
}

static inline void image__add_debug_frame(struct image *image, const struct image_spec *spec)
{
	static const Elf64_Chdr empty;
	Elf64_Chdr chdr = {.ch_type = ELFCOMPRESS_ZLIB, .ch_addralign = 1};
	Elf64_Shdr *shdr = &image->shdrs[SHDR_DEBUG_FRAME];
	uint8_t deflated[20000];
	uLongf len = sizeof(deflated) - sizeof(empty);

	shdr->sh_type = SHT_PROGBITS;
	shdr->sh_name = 21;
	if (!spec->compress_debug_frame) {
		shdr->sh_offset = image__add(
			image, spec->debug_frame->data, spec->debug_frame->len);
		shdr->sh_size = spec->debug_frame->len;
		return;
	}
	chdr.ch_size = spec->debug_frame->len;
	memcpy(deflated, &chdr, sizeof(chdr));
	assert(!compress(
		deflated + sizeof(chdr), &len, spec->debug_frame->data, spec->debug_frame->len));
	shdr->sh_flags = SHF_COMPRESSED;
	shdr->sh_size = len + sizeof(chdr);
	shdr->sh_offset = image__add(image, deflated, shdr->sh_size);
}

/* version 1; eh_frame_ptr pcrel sdata4; count udata4 or none; no table. */
static inline void image__add_hdr(struct image *image, const struct image_spec *spec)
{
	Elf64_Phdr *frames = &image->phdrs[1], *hdr = &image->phdrs[2];
	uint8_t bytes[24] = {1, DW_EH_PE_pcrel | DW_EH_PE_sdata4, DW_EH_PE_omit, DW_EH_PE_omit};
	int32_t distance;

	hdr->p_type = PT_GNU_EH_FRAME;
	hdr->p_offset = image->len;
	hdr->p_vaddr = frames->p_vaddr + (image->len - frames->p_offset);
	distance = FRAME_ADDRESS - (hdr->p_vaddr + 4);
	memcpy(bytes + 4, &distance, 4);
	if (spec->hdr_fde_cnt)
		bytes[2] = DW_EH_PE_udata4;
	memcpy(bytes + 8, &spec->hdr_fde_cnt, 4);
	image__add(image, bytes, sizeof(bytes));
	frames->p_filesz = frames->p_memsz = image->len - frames->p_offset;
}

static inline void image__make(struct image *image, const struct image_spec *spec)
{
	static const char names[] = "\0.shstrtab\0.eh_frame\0.debug_frame";
	size_t offset;

	memset(image, 0, sizeof(*image));
	image->ehdr = (Elf64_Ehdr *)(image->data + image__add(image, NULL, sizeof(Elf64_Ehdr)));
	image->phdrs = (Elf64_Phdr *)(image->data +
				      image__add(image, NULL, 3 * sizeof(Elf64_Phdr)));
	image->shdrs = (Elf64_Shdr *)(image->data +
				      image__add(image, NULL, SHDR_CNT * sizeof(Elf64_Shdr)));
	memcpy(image->ehdr->e_ident, ELFMAG, SELFMAG);
	image->ehdr->e_ident[EI_CLASS] = ELFCLASS64;
	image->ehdr->e_ident[EI_DATA] = ELFDATA2LSB;
	image->ehdr->e_ident[EI_VERSION] = EV_CURRENT;
	image->ehdr->e_type = ET_DYN;
	image->ehdr->e_machine = EM_X86_64;
	image->ehdr->e_version = EV_CURRENT;
	image->ehdr->e_ehsize = sizeof(Elf64_Ehdr);
	image->ehdr->e_phoff = (uint8_t *)image->phdrs - image->data;
	image->ehdr->e_phentsize = sizeof(Elf64_Phdr);
	image->ehdr->e_phnum = 3;
	image->phdrs[0] = (Elf64_Phdr){.p_type = PT_LOAD,
		.p_flags = PF_R | PF_X,
		.p_vaddr = CODE_START,
		.p_filesz = CODE_END - CODE_START,
		.p_memsz = CODE_END - CODE_START};
	if (spec->eh_frame) {
		offset = image__add(image, spec->eh_frame->data, spec->eh_frame->len);
		image->shdrs[SHDR_EH_FRAME] = (Elf64_Shdr){.sh_type = SHT_PROGBITS,
			.sh_name = 11,
			.sh_addr = FRAME_ADDRESS,
			.sh_offset = offset,
			.sh_size = spec->eh_frame->len};
		image->phdrs[1] = (Elf64_Phdr){.p_type = PT_LOAD,
			.p_flags = PF_R,
			.p_vaddr = FRAME_ADDRESS,
			.p_offset = offset,
			.p_filesz = spec->eh_frame->len,
			.p_memsz = spec->eh_frame->len};
	}
	if (spec->debug_frame)
		image__add_debug_frame(image, spec);
	if (spec->no_section_headers) {
		image__add_hdr(image, spec);
		return;
	}
	image->shdrs[SHDR_NAMES] = (Elf64_Shdr){.sh_type = SHT_STRTAB,
		.sh_name = 1,
		.sh_offset = image__add(image, names, sizeof(names)),
		.sh_size = sizeof(names)};
	image->ehdr->e_shoff = (uint8_t *)image->shdrs - image->data;
	image->ehdr->e_shentsize = sizeof(Elf64_Shdr);
	image->ehdr->e_shnum = SHDR_CNT;
	image->ehdr->e_shstrndx = SHDR_NAMES;
}

/* A descriptor of a file with these bytes; the caller closes it. */
static inline int file_of(const void *data, size_t len)
{
	int fd = memfd_create("image", MFD_CLOEXEC);

	assert(fd >= 0);
	assert(write(fd, data, len) == (ssize_t)len);
	return fd;
}

/* What came of one parse. */
struct result {
	int err;
	char reason[96];
	char text[8192]; /* rows, one a line: "1000 cfa=rsp+8 rbp=u ra=c-8" */
	struct cfi_stats stats;
	uint32_t steps;
};

static inline void result__take_rows(
	struct result *result, const struct unwind_table *table, const struct unwind_rules *rules)
{
	struct unwind_table_iter iter = {.table = table};
	char rule_text[RULE_TEXT_BYTES];
	size_t len = 0;
	uint64_t address;
	uint16_t rule;

	while (unwind_table_iter__next(&iter, &address, &rule) && len < sizeof(result->text))
		len += snprintf(result->text + len, sizeof(result->text) - len, "%" PRIx64 " %s\n",
			address, unwind_rule__text(unwind_rules__get(rules, rule), rule_text));
}

static inline void result__run(struct result *result, struct cfi_parser *parser,
	uint32_t fdes_a_step, const struct unwind_rules *rules)
{
	struct unwind_table *table = NULL;

	memset(result, 0, sizeof(*result));
	assert(parser);
	do {
		result->err = cfi_parser__step(parser, fdes_a_step);
		result->steps++;
	} while (result->err == 1);
	if (!result->err)
		result->err = cfi_parser__finish(parser, &table);
	if (result->err)
		snprintf(result->reason, sizeof(result->reason), "%s", cfi_parser__reason(parser));
	else
		result__take_rows(result, table, rules);
	result->stats = *cfi_parser__stats(parser);
	unwind_table__free(table);
	cfi_parser__free(parser);
}

/* Parses len bytes as a file. */
static inline void result__of_file(struct result *result, const void *data, size_t len,
	const struct cfi_limits *limits, uint32_t fdes_a_step)
{
	struct unwind_rules *rules = unwind_rules__new();
	int fd = file_of(data, len);

	result__run(result, cfi_parser__new_fd(fd, limits, rules), fdes_a_step, rules);
	close(fd);
	unwind_rules__free(rules);
}

/* Parses len bytes as a memory image, in a block of just that size so that ASan sees a byte too
 * much. */
static inline void result__of_memory(
	struct result *result, const void *data, size_t len, const struct cfi_limits *limits)
{
	struct unwind_rules *rules = unwind_rules__new();
	void *copy = malloc(len ? len : 1);

	assert(copy);
	memcpy(copy, data, len);
	result__run(result, cfi_parser__new_memory(copy, len, limits, rules), 1000, rules);
	free(copy);
	unwind_rules__free(rules);
}

#endif
