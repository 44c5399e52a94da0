// SPDX-License-Identifier: GPL-2.0
/* Files with two million rows: in many FDEs, as large programs have them, and all in one. */
#include "unwind/cfi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <elf.h>

#define ROWS       2000000u
#define CODE_START 0x10000ull
#define NAMES      "\0.eh_frame\0.shstrtab"

struct image {
	uint8_t *data;
	size_t len, room;
};

static void put(struct image *image, const void *data, size_t len)
{
	if (image->len + len > image->room) {
		image->room = 2 * (image->len + len);
		image->data = realloc(image->data, image->room);
		assert_non_null(image->data);
	}
	memcpy(image->data + image->len, data, len);
	image->len += len;
}

static void put_u32(struct image *image, uint32_t value)
{
	put(image, &value, sizeof(value));
}

/* def_cfa rsp+8, return address at CFA-8, plain addresses. Returns its offset. */
static size_t put_cie(struct image *image)
{
	static const uint8_t cie[] = {1, 0, 1, 0x78, 0x10, 0x0c, 7, 8, 0x90, 1, 0, 0};
	size_t offset = image->len;

	put_u32(image, 4 + sizeof(cie));
	put_u32(image, 0);
	put(image, cie, sizeof(cie));
	return offset;
}

/* An FDE whose row_cnt rows are a byte long each and alternate. */
static void put_fde(struct image *image, size_t cie, uint64_t begin, uint64_t row_cnt)
{
	static const uint8_t rows[] = {
		0x0e, 16, 0x41, 0x0e, 24, 0x41}; /* def_cfa_offset, advance_loc 1 */
	size_t start = image->len, pad;
	uint32_t len;

	put_u32(image, 0);
	put_u32(image, (uint32_t)(image->len - cie));
	put(image, &begin, sizeof(begin));
	put(image, &row_cnt, sizeof(row_cnt));
	for (uint64_t i = 0; i < row_cnt / 2; i++)
		put(image, rows, sizeof(rows));
	pad = -(image->len - start) & 3;
	put(image, "\0\0\0", pad);
	len = (uint32_t)(image->len - start - 4);
	memcpy(image->data + start, &len, sizeof(len));
}

/* fde_cnt FDEs with ROWS rows in all. */
static void make(struct image *image, uint32_t fde_cnt)
{
	Elf64_Ehdr ehdr = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_DYN,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(ehdr),
		.e_ehsize = sizeof(ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 1,
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = 3,
		.e_shstrndx = 2};
	Elf64_Phdr load = {
		.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = CODE_START, .p_memsz = ROWS};
	Elf64_Shdr shdrs[3] = {{0}, {.sh_name = 1, .sh_type = SHT_PROGBITS},
		{.sh_name = 11, .sh_type = SHT_STRTAB, .sh_size = sizeof(NAMES)}};
	size_t cie;

	*image = (struct image){0};
	put(image, &ehdr, sizeof(ehdr));
	put(image, &load, sizeof(load));
	shdrs[1].sh_offset = image->len;
	cie = put_cie(image);
	for (uint32_t i = 0; i < fde_cnt; i++)
		put_fde(image, cie, CODE_START + (uint64_t)i * (ROWS / fde_cnt), ROWS / fde_cnt);
	shdrs[1].sh_size = image->len - shdrs[1].sh_offset;
	shdrs[2].sh_offset = image->len;
	put(image, NAMES, sizeof(NAMES));
	put(image, "\0\0\0\0\0\0\0", -image->len & 7);
	ehdr.e_shoff = image->len;
	put(image, shdrs, sizeof(shdrs));
	memcpy(image->data, &ehdr, sizeof(ehdr));
}

static void build(uint32_t fde_cnt)
{
	struct unwind_rules *rules = unwind_rules__new();
	struct unwind_table *table = NULL;
	struct cfi_parser *parser;
	struct image image;
	int more;

	make(&image, fde_cnt);
	parser = cfi_parser__new_memory(image.data, image.len, NULL, rules);
	assert_non_null(parser);
	do
		more = cfi_parser__step(parser, 1000);
	while (more > 0);
	if (more)
		fail_msg("%u FDEs: %s", fde_cnt, cfi_parser__reason(parser));
	assert_int_equal(cfi_parser__finish(parser, &table), 0);
	assert_true(table->row_cnt >= ROWS && table->row_cnt <= ROWS + 1);
	for (uint32_t i = 0; i < table->page_cnt; i++)
		assert_true(table->pages[i].row_cnt <= 65536); /* a page is in one chunk */
	for (uint32_t i = 0; i < ROWS; i += 997) {
		uint16_t rule = unwind_table__find(table, CODE_START + i);

		assert_int_equal(unwind_rules__get(rules, rule)->cfa_offset, i & 1 ? 24 : 16);
	}
	assert_int_equal(unwind_table__find(table, CODE_START + ROWS), UNWIND_RULE_ID_NONE);
	unwind_table__free(table);
	cfi_parser__free(parser);
	unwind_rules__free(rules);
	free(image.data);
}

static void two_million_rows_in_many_fdes(void **state)
{
	(void)state;
	build(40000);
}

static void two_million_rows_in_one_fde(void **state)
{
	(void)state;
	build(1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_million_rows_in_many_fdes),
		cmocka_unit_test(two_million_rows_in_one_fde),
	};

	return cmocka_run_group_tests_name("unwind_big", tests, NULL, NULL);
}
