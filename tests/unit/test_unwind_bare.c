// SPDX-License-Identifier: GPL-2.0
/* Code without call frame information: what its instructions say, and what they leave open. */
#include "unwind/cfi.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <elf.h>

#include "unwind/rule_text.h"

#define CODE_START 0x1000ull
#define CODE_BYTES 512
#define BARE       0x1040ull /* where the cases' code begins */
#define NAMES      "\0.eh_frame\0.dynsym\0.shstrtab"

/* One FDE of 16 bytes at CODE_START: a file without any is walked by its frame pointers. */
static const uint8_t eh_frame[] = {
	20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0x78, 0x10, 0x0c, 7, 8, 0x90, 1, 0, 0, 0, 0, 0,
	0,                                                                            /* CIE */
	20, 0, 0, 0, 28, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, /* FDE */
};

struct image {
	Elf64_Ehdr ehdr;
	Elf64_Phdr load;
	Elf64_Shdr shdrs[4];
	Elf64_Sym symbols[4];
	uint8_t eh_frame[sizeof(eh_frame)];
	char names[sizeof(NAMES)];
	uint8_t code[CODE_BYTES];
};

static void add_symbol(struct image *image, unsigned int number, uint64_t address)
{
	image->symbols[number] = (Elf64_Sym){
		.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), .st_shndx = 1, .st_value = address};
}

/* code at BARE, whose first byte is a function; so are those at second, if it is not 0. */
static struct image *make(const uint8_t *code, size_t len, uint64_t second, uint64_t entry)
{
	struct image *image = calloc(1, sizeof(*image));

	assert_non_null(image);
	image->ehdr = (Elf64_Ehdr){
		.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_DYN,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_entry = entry,
		.e_phoff = offsetof(struct image, load),
		.e_shoff = offsetof(struct image, shdrs),
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 1,
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = 4,
		.e_shstrndx = 3};
	image->load = (Elf64_Phdr){.p_type = PT_LOAD,
		.p_flags = PF_R | PF_X,
		.p_vaddr = CODE_START,
		.p_offset = offsetof(struct image, code),
		.p_filesz = CODE_BYTES,
		.p_memsz = CODE_BYTES};
	image->shdrs[1] = (Elf64_Shdr){.sh_name = 1,
		.sh_type = SHT_PROGBITS,
		.sh_offset = offsetof(struct image, eh_frame),
		.sh_size = sizeof(eh_frame)};
	image->shdrs[2] = (Elf64_Shdr){.sh_name = 11,
		.sh_type = SHT_DYNSYM,
		.sh_link = 3,
		.sh_offset = offsetof(struct image, symbols),
		.sh_size = sizeof(image->symbols)};
	image->shdrs[3] = (Elf64_Shdr){.sh_name = 19,
		.sh_type = SHT_STRTAB,
		.sh_offset = offsetof(struct image, names),
		.sh_size = sizeof(NAMES)};
	memcpy(image->eh_frame, eh_frame, sizeof(eh_frame));
	memcpy(image->names, NAMES, sizeof(NAMES));
	memset(image->code, 0x90, CODE_BYTES);
	memcpy(image->code + (BARE - CODE_START), code, len);
	if (entry != BARE)
		add_symbol(image, 1, BARE);
	if (second)
		add_symbol(image, 2, second);
	return image;
}

/* The rows from BARE - 1 on, as offsets from BARE: "0 cfa=rsp+8 rbp=u ra=c-8 rbx=lost\n". */
static void rows_of(const struct image *image, char *text, size_t room)
{
	struct unwind_rules *rules = unwind_rules__new();
	struct cfi_parser *parser = cfi_parser__new_memory(image, sizeof(*image), NULL, rules);
	struct unwind_table *table = NULL;
	struct unwind_table_iter iter = {0};
	char rule_text[RULE_TEXT_BYTES];
	uint64_t address;
	uint16_t rule;
	size_t len = 0;

	assert_non_null(parser);
	while (cfi_parser__step(parser, 1) > 0)
		;
	assert_int_equal(cfi_parser__finish(parser, &table), 0);
	iter.table = table;
	text[0] = 0;
	while (unwind_table_iter__next(&iter, &address, &rule))
		if (address >= BARE - 1)
			len += (size_t)snprintf(text + len, room - len, "%" PRId64 " %s\n",
				(int64_t)(address - BARE),
				unwind_rule__text(unwind_rules__get(rules, rule), rule_text));
	unwind_table__free(table);
	cfi_parser__free(parser);
	unwind_rules__free(rules);
}

static const struct {
	const char *name;
	const char *code;
	size_t len;
	const char *rows;
	uint64_t second; /* another function */
	uint64_t entry;
} cases[] = {
#define CODE(string) string, sizeof(string) - 1
	{"push, sub, call, add, pop, ret",
		CODE("\x55\x48\x89\xfd\x48\x83\xec\x20\xe8\x00\x00\x00\x70\x48\x83\xc4\x20\x5d\xc3"),
		"0 cfa=rsp+8 rbp=u ra=c-8 rbx=lost\n1 cfa=rsp+16 rbp=c-16 ra=c-8 rbx=lost\n8 cfa=rsp+48 rbp=c-16 ra=c-8 rbx=lost\n"
		"17 cfa=rsp+16 rbp=c-16 ra=c-8 rbx=lost\n18 cfa=rsp+8 rbp=u ra=c-8 rbx=lost\n19 end\n",
		0, 0},
	{"a frame pointer, and a stack that grows by what a register says",
		CODE("\x55\x48\x89\xe5\x48\x29\xc4\xff\xd0\xc9\xc3"),
		"0 cfa=rsp+8 rbp=u ra=c-8 rbx=lost\n1 cfa=rsp+16 rbp=c-16 ra=c-8 rbx=lost\n7 cfa=rbp+16 rbp=c-16 ra=c-8 rbx=lost\n"
		"10 cfa=rsp+8 rbp=u ra=c-8 rbx=lost\n11 end\n",
		0, 0},
	{"a return with another rbp contradicts", CODE("\x31\xed\xff\xd0\xc3"), "", 0, 0},
	{"a return that finds something else contradicts", CODE("\x53\x48\x83\xec\x10\xc3"), "", 0,
		0},
	{"two ways that meet with different stacks", CODE("\x74\x01\x53\xff\xd0\xc3"), "", 0, 0},
	{"what stands behind a call that may not return is left open",
		CODE("\x53\xe8\x00\x00\x00\x70\xe8\x00\x00\x00\x70\xf4"),
		"0 cfa=rsp+8 rbp=u ra=c-8 rbx=lost\n1 cfa=rsp+16 rbp=u ra=c-8 rbx=lost\n6 end\n", 0,
		0},
	{"but not if that returns",
		CODE("\x53\xe8\x0a\x00\x00\x00\xff\xd0\xf4\x90\x90\x90\x90\x90\x90\x90\xc3"),
		"0 cfa=rsp+8 rbp=u ra=c-8 rbx=lost\n1 cfa=rsp+16 rbp=u ra=c-8 rbx=lost\n9 end\n16 cfa=rsp+8 rbp=u ra=c-8 rbx=lost\n"
		"17 end\n",
		BARE + 16, 0},
	{"a table of jumps is not followed", CODE("\x53\xff\xe0\x5b\xc3"),
		"0 cfa=rsp+8 rbp=u ra=c-8 rbx=lost\n1 cfa=rsp+16 rbp=u ra=c-8 rbx=lost\n3 end\n", 0,
		0},
	{"the program's entry, up to its call",
		CODE("\x31\xed\x48\x89\xe7\x48\x83\xe4\xf0\xe8\x40\x00\x00\x00"),
		"0 root\n14 end\n", 0, BARE},
	{"a dynamic linker's entry, up to its jump to the program",
		CODE("\x48\x89\xe7\xe8\x00\x00\x00\x70\x49\x89\xc4\xe8\x00\x00\x00\x70\x41\xff\xe4"),
		"0 root\n19 end\n", 0, BARE},
	{"the child of clone", CODE("\x0f\x05\x85\xc0\x75\x07\x31\xed\x5f\x41\xff\xd1\xf4\xc3"),
		"0 cfa=rsp+8 rbp=u ra=c-8 rbx=lost\n6 root\n13 cfa=rsp+8 rbp=u ra=c-8 rbx=lost\n14 end\n",
		0, 0},
	{"what a signal handler returns to, from a byte before it",
		CODE("\x48\xc7\xc0\x0f\x00\x00\x00\x0f\x05"), "-1 sigframe rsp+0\n9 end\n", 0, 0},
	{"no instruction", CODE("\x53\x06\x5b\xc3"), "", 0, 0},
};

static void rows_are_what_the_code_says(void **state)
{
	char text[2048];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct image *image = make((const uint8_t *)cases[i].code, cases[i].len,
			cases[i].second, cases[i].entry);

		rows_of(image, text, sizeof(text));
		if (strcmp(text, cases[i].rows) != 0)
			fail_msg("%s:\n%s", cases[i].name, text);
		free(image);
	}
}

/* Every byte string is some code: none may take the parser out of its bounds, or for ever. */
static void any_bytes_end(void **state)
{
	/* Calls and jumps over small distances, pushes and pops. */
	static const uint8_t frequent[] = {0xe8, 0xe9, 0x74, 0xeb, 0x55, 0x5d, 0xc3, 0, 0, 0xff,
		0x48, 0x83, 0x8d, 0x05, 0x90, 0x0f};
	uint8_t code[CODE_BYTES - (BARE - CODE_START)];
	uint64_t random = 0x9e3779b97f4a7c15ull;
	static char text[65536];

	(void)state;
	for (unsigned int round = 0; round < 300; round++) {
		struct image *image;

		for (size_t i = 0; i < sizeof(code); i++) {
			random = random * 6364136223846793005ull + 1442695040888963407ull;
			code[i] = random >> 56 & 3 ? frequent[random >> 40 & 15]
						   : (uint8_t)(random >> 48);
		}
		image = make(code, sizeof(code), BARE + round % 64, 0);
		rows_of(image, text, sizeof(text));
		free(image);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_what_the_code_says),
		cmocka_unit_test(any_bytes_end),
	};

	return cmocka_run_group_tests_name("unwind_bare", tests, NULL, NULL);
}
