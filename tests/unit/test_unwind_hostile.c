// SPDX-License-Identifier: GPL-2.0
/* Forged and damaged files: each is refused with a reason, none crashes or takes long. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../unwind/image.h"

static struct image image; /* too big for a stack */
static struct result result;
static struct bytes frame;

/* The image as it stands, from memory and from a file. */
static void expect_refusal_with(const struct cfi_limits *limits, int err, const char *reason)
{
	result__of_memory(&result, image.data, image.len, limits);
	assert_string_equal(result.reason, reason);
	assert_int_equal(result.err, err);
	result__of_file(&result, image.data, image.len, limits, 10);
	assert_string_equal(result.reason, reason);
	assert_int_equal(result.err, err);
}

static void expect_refusal(int err, const char *reason)
{
	expect_refusal_with(NULL, err, reason);
}

static void make_image(void)
{
	image__make(&image, &(struct image_spec){.eh_frame = &frame});
}

/* A CIE and FDEs of 16 bytes each with the same code. */
static void make_frame(unsigned int fde_cnt, const uint8_t *code, size_t len)
{
	size_t cie;

	frame.len = 0;
	cie = put_plain_cie(&frame);
	for (unsigned int i = 0; i < fde_cnt; i++)
		put_fde(&frame, cie, 0x2000 + 16 * i, 16, code, len);
	make_image();
}

struct case_of_code {
	const char *name;
	const uint8_t *code;
	size_t len;
	const char *reason;
};

/* DW_CFA_nop fills records up to 4 bytes, so what must be cut off ends at such a bound. */
static const struct case_of_code codes[] = {
	{"unknown instruction", CODE("\x17"), "unknown call frame instruction"},
	{"instruction cut off", CODE("\x0e\x80\x80\x80"), "a call frame instruction is cut off"},
	{"expression longer than its record", CODE("\x0f\xff\x7f\x00"),
		"a call frame instruction is cut off"},
	{"restore_state without remember_state", CODE("\x0b"),
		"DW_CFA_restore_state without a remembered state"},
	{"set_loc backwards", CODE("\x01\x00\x10\x00\x00\x00\x00\x00\x00"),
		"location goes backwards"},
	{"an advance around the address space", CODE("\x1d\xff\xff\xff\xff\xff\xff\xff\xff"),
		"location advances beyond the address space"},
};

static void test_codes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		make_frame(1, codes[i].code, codes[i].len);
		expect_refusal(-EINVAL, codes[i].reason);
	}
}

static void test_remember_state_overflow(void **state)
{
	uint8_t code[100];

	(void)state;
	memset(code, DW_CFA_remember_state, sizeof(code));
	make_frame(1, code, 64);
	result__of_memory(&result, image.data, image.len, NULL);
	assert_int_equal(result.err, 0);
	make_frame(1, code, 65);
	expect_refusal(-EINVAL, "DW_CFA_remember_state is nested too deep");
}

static void test_cie_cycle(void **state)
{
	size_t cie, fde;

	(void)state;
	frame.len = 0;
	cie = put_plain_cie(&frame);
	fde = frame.len;
	put_fde(&frame, cie, 0x2000, 16, CODE(""));
	put_fde(&frame, fde, 0x2010, 16, CODE("")); /* its CIE is an FDE */
	make_image();
	expect_refusal(-EINVAL, "a CIE pointer does not lead to a CIE");
	frame.len = 0;
	put_fde(&frame, 0, 0x2000, 16, CODE("")); /* its CIE is itself */
	make_image();
	expect_refusal(-EINVAL, "a CIE pointer does not lead to a CIE");
	frame.len = 0;
	put_fde(&frame, -4096, 0x2000, 16, CODE("")); /* its CIE lies behind the section */
	make_image();
	expect_refusal(-EINVAL, "a CIE pointer leads out of the section");
}

static void test_zero_length_fde(void **state)
{
	size_t cie;

	(void)state;
	frame.len = 0;
	cie = put_plain_cie(&frame);
	put_fde(&frame, cie, 0x2000, 0, CODE("\x41\x0e\x10"));
	make_image();
	expect_refusal(-ENODATA, "no call frame information for any code");
	put_fde(&frame, cie, 0x2000, 4, CODE(""));
	make_image();
	result__of_memory(&result, image.data, image.len, NULL);
	assert_string_equal(result.text, "2000 cfa=rsp+8 rbp=u ra=c-8\n2004 end\n");
}

static void test_4gb_section(void **state)
{
	(void)state;
	make_frame(1, CODE(""));
	image.shdrs[SHDR_EH_FRAME].sh_size = 1ull << 32;
	expect_refusal(-EFBIG, "call frame section too big");
	image.shdrs[SHDR_EH_FRAME].sh_size = UINT64_MAX;
	expect_refusal(-EFBIG, "call frame section too big");
	image.shdrs[SHDR_EH_FRAME].sh_size = 1 << 20;
	expect_refusal(-EINVAL, "call frame section reaches beyond the end of the file");
	make_image();
	image.shdrs[SHDR_EH_FRAME].sh_offset = UINT64_MAX - 8;
	expect_refusal(-EINVAL, "call frame section reaches beyond the end of the file");
}

/* A section of 4 GB of holes in a file that really is that big. */
static void test_sparse_file(void **state)
{
	struct unwind_rules *rules = unwind_rules__new();
	struct cfi_limits limits = cfi_limits_default;
	int fd;

	(void)state;
	make_frame(1, CODE(""));
	image.shdrs[SHDR_EH_FRAME].sh_offset = image.len;
	image.shdrs[SHDR_EH_FRAME].sh_size = 100 << 20;
	image__add(&image, frame.data, frame.len);
	fd = file_of(image.data, image.len);
	assert_int_equal(ftruncate(fd, 5ll << 30), 0);
	limits.fde_cnt = 1000;
	result__run(&result, cfi_parser__new_fd(fd, &limits, rules), 100000, rules);
	assert_int_equal(result.err, 0); /* the holes are 26 million terminators */
	assert_true(result.steps < 300);
	close(fd);
	unwind_rules__free(rules);
}

/* Counts that libelf would allocate by. */
static void test_forged_headers(void **state)
{
	(void)state;
	make_frame(1, CODE(""));
	image.ehdr->e_shnum = 0;
	image.shdrs[0].sh_size = 1ull << 40;
	expect_refusal(-E2BIG, "too many section or program headers");
	make_image();
	image.ehdr->e_shnum = 9000;
	expect_refusal(-E2BIG, "too many section or program headers");
	make_image();
	image.ehdr->e_phnum = 0xffff;
	expect_refusal(-E2BIG, "too many section or program headers");
	make_image();
	image.ehdr->e_shnum = 0;
	image.ehdr->e_shoff = UINT64_MAX;
	expect_refusal(-EINVAL, "section headers lie beyond the end of the file");
	make_image();
	image.ehdr->e_shentsize = 8;
	expect_refusal(-EINVAL, "section headers of an unknown size");
	make_image();
	image.ehdr->e_phentsize = 8;
	expect_refusal(-EINVAL, "program headers of an unknown size");
	make_image();
	image.ehdr->e_phoff = 1 << 20;
	expect_refusal(-EINVAL, "program headers cannot be read");
}

static void test_other_files(void **state)
{
	(void)state;
	make_frame(1, CODE(""));
	image.ehdr->e_machine = EM_386;
	expect_refusal(-ENOEXEC, "an ELF file of another machine");
	make_image();
	image.ehdr->e_ident[EI_CLASS] = ELFCLASS32;
	expect_refusal(-ENOEXEC, "an ELF file of another machine");
	make_image();
	image.ehdr->e_type = ET_REL;
	expect_refusal(-ENOEXEC, "neither an executable nor a shared object");
	make_image();
	image.ehdr->e_ident[0] = '#';
	expect_refusal(-ENOEXEC, "not an ELF file");
	image.len = 0;
	expect_refusal(-ENOEXEC, "not an ELF file");
	make_image();
	image.phdrs[0].p_flags = PF_R;
	expect_refusal(-ENODATA, "no executable segment");
	make_image();
	image.shdrs[SHDR_EH_FRAME].sh_type = SHT_NOBITS; /* a file of debug information */
	expect_refusal(-ENODATA, "no call frame information");
}

static void test_not_a_file(void **state)
{
	struct unwind_rules *rules = unwind_rules__new();
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	result__run(&result, cfi_parser__new_fd(fds[0], NULL, rules), 1, rules);
	assert_int_equal(result.err, -EINVAL);
	assert_string_equal(result.reason, "not a regular file");
	assert_null(cfi_parser__new_fd(-1, NULL, rules));
	close(fds[0]);
	close(fds[1]);
	unwind_rules__free(rules);
}

static void test_segments(void **state)
{
	(void)state;
	make_frame(1, CODE(""));
	image.phdrs[0].p_memsz = 5ull << 30;
	expect_refusal(-EFBIG, "executable segments span more than 4 GiB");
	image.phdrs[0].p_memsz = UINT64_MAX;
	expect_refusal(-EINVAL, "a segment beyond the address space");
}

/* One FDE over 4 GB: a row a page, no more. */
static void test_huge_fde(void **state)
{
	struct cfi_limits limits = cfi_limits_default;

	(void)state;
	frame.len = 0;
	put_fde(&frame, put_plain_cie(&frame), CODE_START, UINT64_MAX, CODE(""));
	make_image();
	image.phdrs[0].p_memsz = UINT32_MAX;
	result__of_memory(&result, image.data, image.len, NULL);
	assert_string_equal(result.text, "1000 cfa=rsp+8 rbp=u ra=c-8\n100000fff end\n");
	limits.row_cnt = 60000;
	expect_refusal_with(&limits, -E2BIG, "too many rows");
}

static void test_forged_augmentation(void **state)
{
	size_t start;

	(void)state;
	frame.len = 0;
	start = begin_record(&frame);
	put(&frame, "\0\0\0\0\x01zR\0\x01\x78\x10\xff\x7f\0\0\0", 16); /* length 16383 */
	end_record(&frame, start);
	put_fde(&frame, 0, 0x2000, 16, CODE(""));
	make_image();
	expect_refusal(-EINVAL, "a CIE's augmentation reaches beyond its record");

	frame.len = 0;
	put_cie(&frame, "zR", NULL, 0);
	put_fde(&frame, 0, 0x2000, 16, CODE(""));
	make_image();
	expect_refusal(-EINVAL, "a CIE's augmentation is cut off");

	frame.len = 0;
	put_cie(&frame, "zR", (const uint8_t *)"", 1);
	put_fde(&frame, 0, 0x2000, 16, CODE("\xff\xff\xff\x7f")); /* the FDE's length */
	make_image();
	expect_refusal(-EINVAL, "an FDE too short for its augmentation");

	frame.len = 0;
	put_cie(&frame, "armcc+", NULL, 0);
	put_fde(&frame, 0, 0x2000, 16, CODE(""));
	make_image();
	expect_refusal(-EINVAL, "a CIE with an unknown augmentation");
}

static void test_pointer_encodings(void **state)
{
	/* no such format, indirect, and without its base */
	static const uint8_t encodings[] = {0x05, 0x80, 0x20, 0x30, 0x40, 0x60};

	(void)state;
	for (size_t i = 0; i < sizeof(encodings); i++) {
		frame.len = 0;
		put_cie(&frame, "zR", &encodings[i], 1);
		put_fde(&frame, 0, 0x2000, 16, CODE(""));
		make_image();
		expect_refusal(-EINVAL, "an FDE with an unknown pointer encoding");
	}
}

static void test_cies(void **state)
{
	uint8_t code[600] = {0};

	(void)state;
	frame.len = 0;
	put_cie_code(&frame, "", NULL, 0, code, sizeof(code));
	put_fde(&frame, 0, 0x2000, 16, CODE(""));
	make_image();
	expect_refusal(-E2BIG, "a CIE too big");

	make_frame(1, CODE(""));
	((uint8_t *)image.data)[image.shdrs[SHDR_EH_FRAME].sh_offset + 8] = 2;
	expect_refusal(-EINVAL, "a CIE of an unknown version");

	frame.len = 0;
	put_cie_code(&frame, "", NULL, 0, CODE("\x41"));
	put_fde(&frame, 0, 0x2000, 16, CODE(""));
	make_image();
	expect_refusal(-EINVAL, "a CIE's instructions advance the location");
}

static void test_limits(void **state)
{
	struct cfi_limits limits = cfi_limits_default;

	(void)state;
	make_frame(10, CODE("\x41\x0e\x10\x41\x0e\x18"));
	limits.fde_cnt = 9;
	expect_refusal_with(&limits, -E2BIG, "too many FDEs");
	limits = cfi_limits_default;
	limits.row_cnt = 20;
	expect_refusal_with(&limits, -E2BIG, "too many rows");
	limits = cfi_limits_default;
	limits.new_rule_cnt = 2;
	expect_refusal_with(&limits, -E2BIG, "too many different rules");
	limits = cfi_limits_default;
	limits.record_bytes = 16;
	expect_refusal_with(&limits, -E2BIG, "an FDE too big");
	limits = cfi_limits_default;
	limits.section_bytes = 64;
	expect_refusal_with(&limits, -EFBIG, "call frame section too big");
}

static void test_compressed(void **state)
{
	Elf64_Chdr *chdr;

	(void)state;
	make_frame(1, CODE(""));
	image__make(
		&image, &(struct image_spec){.debug_frame = &frame, .compress_debug_frame = true});
	chdr = (Elf64_Chdr *)(image.data + image.shdrs[SHDR_DEBUG_FRAME].sh_offset);
	chdr->ch_size = 1ull << 40;
	expect_refusal(-EFBIG, "call frame section too big");
	chdr->ch_size = frame.len + 1; /* more than there is */
	expect_refusal(-EINVAL, "compressed call frame section is damaged");
	chdr->ch_size = frame.len;
	memset(chdr + 1, 0xa5, 8);
	expect_refusal(-EINVAL, "compressed call frame section is damaged");
	chdr->ch_type = 2;
	expect_refusal(-ENOTSUP, "a section compressed by something else than zlib");
	image.shdrs[SHDR_DEBUG_FRAME].sh_size = 10;
	expect_refusal(-EINVAL, "a compressed section without its header");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_remember_state_overflow),
		cmocka_unit_test(test_cie_cycle),
		cmocka_unit_test(test_zero_length_fde),
		cmocka_unit_test(test_4gb_section),
		cmocka_unit_test(test_sparse_file),
		cmocka_unit_test(test_forged_headers),
		cmocka_unit_test(test_other_files),
		cmocka_unit_test(test_not_a_file),
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_huge_fde),
		cmocka_unit_test(test_forged_augmentation),
		cmocka_unit_test(test_pointer_encodings),
		cmocka_unit_test(test_cies),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_compressed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
