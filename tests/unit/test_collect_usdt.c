// SPDX-License-Identifier: GPL-2.0
/* Notes of statically defined probes: what is found in this program's own, what is understood, what is hostile. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "collect/usdt.h"

#define REG(number) USDT_REGISTER, number, USDT_NO_REGISTER, 0
#define AT(number)  USDT_MEMORY, number, USDT_NO_REGISTER, 1
#define CONSTANT    USDT_CONSTANT, USDT_NO_REGISTER, USDT_NO_REGISTER, 0

static void test_arguments(void **state)
{
	static const struct {
		const char *text;
		int cnt;
		struct usdt_arguments expected;
	} rows[] = {
		{"", 0, {{{0}}}},
		{"8@%rdi 8@%rsi -4@%edx", 3,
			{{{REG(5), 8, 0, {0}, 0}, {REG(4), 8, 0, {0}, 0}, {REG(1), 4, 1, {0}, 0}}}},
		{"8@$524288", 1, {{{CONSTANT, 8, 0, {0}, 524288}}}},
		{"-4@$-7", 1, {{{CONSTANT, 4, 1, {0}, -7}}}},
		{"8@-16(%rbp)", 1, {{{AT(6), 8, 0, {0}, -16}}}},
		{"1@(%r15)  2@%r8w", 2, {{{AT(15), 1, 0, {0}, 0}, {REG(8), 2, 0, {0}, 0}}}},
		{"4@8(%rax,%rcx,4)", 1, {{{USDT_MEMORY, 0, 2, 4, 4, 0, {0}, 8}}}},
		{"4@(,%rbx,8)", 1, {{{USDT_MEMORY, USDT_NO_REGISTER, 3, 8, 4, 0, {0}, 0}}}},
		{"8@%rax 8@%rbx 8@%rcx 4@whatever(%rip)", 4,
			{{{REG(0), 8, 0, {0}, 0}, {REG(3), 8, 0, {0}, 0}, {REG(2), 8, 0, {0}, 0}}}},
		{"8@counter(%rip)", -EINVAL, {{{0}}}},
		{"8@%rdx,", -EINVAL, {{{0}}}},
		{"8@%", -EINVAL, {{{0}}}},
		{"8@%xmm0", -EINVAL, {{{0}}}},
		{"8%rdx", -EINVAL, {{{0}}}},
		{"3@%rdx", -EINVAL, {{{0}}}},
		{"@%rdx", -EINVAL, {{{0}}}},
		{"8@", -EINVAL, {{{0}}}},
		{"8@(%rax", -EINVAL, {{{0}}}},
		{"8@()", -EINVAL, {{{0}}}},
		{"8@(%rax,%rbx,3)", -EINVAL, {{{0}}}},
		{"8@$", -EINVAL, {{{0}}}},
		{"8@$99999999999999999999", -EINVAL, {{{0}}}},
	};
	struct usdt_arguments got;
	size_t i;
	int cnt;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cnt = usdt_x86__parse(rows[i].text, &got);
		if (cnt != rows[i].cnt)
			fail_msg("\"%s\": %d", rows[i].text, cnt);
		if (cnt >= 0 && memcmp(&got, &rows[i].expected, sizeof(got)))
			fail_msg("\"%s\": not these arguments", rows[i].text);
	}
}

/* ---- an ELF file with the notes that a case asks for ---- */

#define CODE_ADDR   0x1000
#define CODE_OFFSET 0x400
#define DATA_ADDR   0x3000
#define DATA_OFFSET 0x600
#define FILE_BYTES  0x2000

struct image {
	unsigned char bytes[FILE_BYTES];
	size_t notes_bytes;
	uint64_t base; /* of .stapsdt.base; 0: none */
};

#define NAMES_OFFSET 0x700
#define NOTES_OFFSET 0x800
static const char names[] = "\0.note.stapsdt\0.stapsdt.base\0.shstrtab";

static void image__add_raw(struct image *image, uint32_t name_bytes, uint32_t rest_bytes,
	uint32_t type, const char *name, const void *rest, size_t rest_written)
{
	uint32_t header[3] = {name_bytes, rest_bytes, type};
	unsigned char *at = image->bytes + NOTES_OFFSET + image->notes_bytes;
	size_t name_space = (strlen(name) + 1 + 3) & ~(size_t)3;

	memcpy(at, header, sizeof(header));
	memcpy(at + sizeof(header), name, strlen(name) + 1);
	memcpy(at + sizeof(header) + name_space, rest, rest_written);
	image->notes_bytes += sizeof(header) + name_space + ((rest_written + 3) & ~(size_t)3);
}

/* texts: provider, name and arguments, each with its zero. */
static void image__add(struct image *image, uint64_t pc, uint64_t base, uint64_t semaphore,
	const char *texts, size_t texts_bytes)
{
	unsigned char rest[512];
	uint64_t words[3] = {pc, base, semaphore};

	memcpy(rest, words, sizeof(words));
	memcpy(rest + sizeof(words), texts, texts_bytes);
	image__add_raw(image, 8, (uint32_t)(sizeof(words) + texts_bytes), 3, "stapsdt", rest,
		sizeof(words) + texts_bytes);
}
#define ADD(image, pc, base, semaphore, texts)                                                     \
	image__add(image, pc, base, semaphore, texts, sizeof(texts))

static int image__write(struct image *image)
{
	Elf64_Ehdr *header = (Elf64_Ehdr *)image->bytes;
	Elf64_Phdr *segments = (Elf64_Phdr *)(header + 1);
	Elf64_Shdr *sections = (Elf64_Shdr *)(image->bytes + 0x200);
	char path[] = "/tmp/bpfprof-usdt-XXXXXX";
	int fd = mkstemp(path);

	memcpy(header->e_ident, ELFMAG, SELFMAG);
	header->e_ident[EI_CLASS] = ELFCLASS64;
	header->e_ident[EI_DATA] = ELFDATA2LSB;
	header->e_ident[EI_VERSION] = EV_CURRENT;
	header->e_type = ET_DYN;
	header->e_machine = EM_X86_64;
	header->e_version = EV_CURRENT;
	header->e_ehsize = sizeof(*header);
	header->e_phoff = sizeof(*header);
	header->e_phentsize = sizeof(*segments);
	header->e_phnum = 2;
	header->e_shoff = 0x200;
	header->e_shentsize = sizeof(*sections);
	header->e_shnum = 4;
	header->e_shstrndx = 3;
	segments[0] = (Elf64_Phdr){.p_type = PT_LOAD,
		.p_flags = PF_R | PF_X,
		.p_offset = CODE_OFFSET,
		.p_vaddr = CODE_ADDR,
		.p_filesz = 0x200,
		.p_memsz = 0x200};
	segments[1] = (Elf64_Phdr){.p_type = PT_LOAD,
		.p_flags = PF_R | PF_W,
		.p_offset = DATA_OFFSET,
		.p_vaddr = DATA_ADDR,
		.p_filesz = 0x100,
		.p_memsz = 0x100};
	sections[1] = (Elf64_Shdr){.sh_name = 1,
		.sh_type = SHT_NOTE,
		.sh_offset = NOTES_OFFSET,
		.sh_size = image->notes_bytes,
		.sh_addralign = 4};
	sections[2] = (Elf64_Shdr){.sh_name = image->base ? 15 : 0,
		.sh_type = SHT_PROGBITS,
		.sh_addr = image->base,
		.sh_offset = CODE_OFFSET,
		.sh_size = 1,
		.sh_addralign = 1};
	sections[3] = (Elf64_Shdr){.sh_name = 29,
		.sh_type = SHT_STRTAB,
		.sh_offset = NAMES_OFFSET,
		.sh_size = sizeof(names),
		.sh_addralign = 1};
	memcpy(image->bytes + NAMES_OFFSET, names, sizeof(names));
	assert_true(fd >= 0);
	unlink(path);
	assert_int_equal(write(fd, image->bytes, FILE_BYTES), FILE_BYTES);
	return fd;
}

struct found {
	char names[8][16];
	struct usdt_probe probes[8];
	uint32_t cnt, failed_cnt;
};

static void found__add(const char *name, const struct usdt_probe *probe, void *arg)
{
	struct found *found = arg;

	if (found->cnt == 8)
		return;
	strncpy(found->names[found->cnt], name, sizeof(found->names[0]) - 1);
	found->probes[found->cnt++] = *probe;
}

static struct found image__read(struct image *image)
{
	struct found found = {0};
	struct elf_code code;
	int fd = image__write(image);

	assert_int_equal(elf_code__open(fd, &code), 0);
	found.failed_cnt = usdt__each(&code, "otel_memory", found__add, &found);
	elf_code__close(&code);
	close(fd);
	return found;
}

static void test_notes(void **state)
{
	struct image image = {0};
	struct found found;

	(void)state;
	ADD(&image, CODE_ADDR + 0x10, 0, DATA_ADDR + 6,
		"otel_memory\0alloc\0008@%rdi 8@%rsi 8@%rdx");
	ADD(&image, CODE_ADDR + 0x20, 0, 0, "libc\0setjmp\0008@%rdi -4@%esi 8@%rax");
	ADD(&image, CODE_ADDR + 0x30, 0, 0, "otel_memory\0free\0008@%rdi");
	image__add_raw(&image, 4, 4, 1, "GNU", "abcd", 4);
	ADD(&image, CODE_ADDR + 0x40, 0, 0, "otel_memory\0alloc\0008@%xmm1");
	ADD(&image, 0x9999, 0, 0, "otel_memory\0alloc\0");            /* nowhere */
	ADD(&image, CODE_ADDR, 0, 0x9999, "otel_memory\0alloc\0");    /* its semaphore is nowhere */
	ADD(&image, CODE_ADDR, 0, CODE_ADDR, "otel_memory\0alloc\0"); /* nor may it be code */
	found = image__read(&image);
	assert_int_equal(found.cnt, 2);
	assert_int_equal(found.failed_cnt, 4);
	assert_string_equal(found.names[0], "alloc");
	assert_int_equal(found.probes[0].offset, CODE_OFFSET + 0x10);
	assert_int_equal(found.probes[0].semaphore_offset, DATA_OFFSET + 6);
	assert_int_equal(found.probes[0].argument_cnt, 3);
	assert_int_equal(found.probes[0].arguments.arguments[2].reg, 1);
	assert_string_equal(found.names[1], "free");
	assert_int_equal(found.probes[1].semaphore_offset, 0);
	assert_int_equal(found.probes[1].argument_cnt, 1);
}

/* What moved the file's addresses since it was linked moved .stapsdt.base too. */
static void test_moved(void **state)
{
	struct image image = {.base = 0x1050};
	struct found found;

	(void)state;
	ADD(&image, 0x10, 0x50, DATA_ADDR - 0x1000, "otel_memory\0free\0008@%rdi");
	found = image__read(&image);
	assert_int_equal(found.cnt, 1);
	assert_int_equal(found.probes[0].offset, CODE_OFFSET + 0x10);
	assert_int_equal(found.probes[0].semaphore_offset, DATA_OFFSET);
}

static void test_hostile(void **state)
{
	static const struct {
		uint32_t name_bytes, rest_bytes;
	} sizes[] = {{8, 0xffffffff}, {0xffffffff, 4}, {0xfffffffd, 0xfffffffd}, {8, 600}, {8, 3},
		{8, 24}, {0, 0}, {7, 40}};
	static const unsigned char rest[64] = "no words";
	size_t i, cut;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct image image = {0};

		image__add_raw(&image, sizes[i].name_bytes, sizes[i].rest_bytes, 3, "stapsdt", rest,
			sizeof(rest));
		assert_int_equal(image__read(&image).cnt, 0);
	}
	/* cut anywhere: what is whole is read, and nothing beyond the end */
	for (cut = 0; cut < 160; cut++) {
		struct image image = {0};
		size_t first;

		ADD(&image, CODE_ADDR, 0, 0, "otel_memory\0free\0008@%rdi");
		first = image.notes_bytes;
		ADD(&image, CODE_ADDR, 0, 0, "otel_memory\0free\0008@%rdi");
		if (cut > image.notes_bytes)
			break;
		image.notes_bytes = cut;
		assert_in_range(image__read(&image).cnt, 0, cut >= first ? 2 : 1);
	}
	assert_in_range(cut, 100, 159);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_notes),
		cmocka_unit_test(test_moved),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests_name("collect_usdt", tests, NULL, NULL);
}
