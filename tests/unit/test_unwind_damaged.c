// SPDX-License-Identifier: GPL-2.0
/* Files that are cut off, flipped or changed anywhere: an answer each time, and no crash. */
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

#define FAR_OFFSET 200000 /* more than a window before it */

/* Two FDEs, one at either end of a section that is too big for the parser's window; the rest is
 * zero. */
static int make_wide_file(void)
{
	Elf64_Shdr *shdr;
	struct bytes last;
	int fd;

	frame.len = last.len = 0;
	put_fde(&frame, put_plain_cie(&frame), 0x2000, 16, CODE(""));
	put_fde(&last, -FAR_OFFSET, 0x3000, 16, CODE(""));
	image__make(&image, &(struct image_spec){.eh_frame = &frame});
	shdr = &image.shdrs[SHDR_EH_FRAME];
	shdr->sh_offset = image__add(&image, frame.data, frame.len);
	shdr->sh_size = FAR_OFFSET + last.len;
	fd = file_of(image.data, image.len);
	assert_int_equal(pwrite(fd, last.data, last.len, shdr->sh_offset + FAR_OFFSET), last.len);
	return fd;
}

/* Changes the file after the scan, before the rows of its first FDE. */
static void parse_changed(void (*change)(int fd), int err, const char *reason)
{
	struct unwind_rules *rules = unwind_rules__new();
	int fd = make_wide_file(), more, steps = 0;
	struct cfi_parser *parser = cfi_parser__new_fd(fd, NULL, rules);
	struct unwind_table *table = NULL;

	while (cfi_parser__stats(parser)->fde_cnt < 2) {
		assert_int_equal(cfi_parser__step(parser, 1), 1);
		assert_true(++steps < FAR_OFFSET);
	}
	if (change)
		change(fd);
	while ((more = cfi_parser__step(parser, 1)) == 1)
		;
	assert_int_equal(more, err);
	if (err)
		assert_string_equal(cfi_parser__reason(parser), reason);
	assert_int_equal(cfi_parser__finish(parser, &table), err ? -EINVAL : 0);
	unwind_table__free(table);
	cfi_parser__free(parser);
	close(fd);
	unwind_rules__free(rules);
}

static void truncate_file(int fd)
{
	assert_int_equal(ftruncate(fd, 0), 0);
}

/* The FDE's address lies 8 bytes behind its CIE's 24. */
static void move_fde(int fd)
{
	off_t offset = image.shdrs[SHDR_EH_FRAME].sh_offset + 20 + 8;

	assert_int_equal(pwrite(fd, "\x40", 1, offset), 1);
}

static void test_changing_file(void **state)
{
	(void)state;
	parse_changed(NULL, 0, NULL);
	parse_changed(truncate_file, -ENODATA, "call frame section cannot be read");
	parse_changed(move_fde, -EIO, "the file changed while it was read");
}

/* Whatever is cut off or flipped: an answer, and the same one from memory and from a file. */
static void make_rich_image(void)
{
	static struct bytes debug;
	size_t cie;

	frame.len = debug.len = 0;
	cie = put_plain_cie(&frame);
	put_fde(&frame, cie, 0x2000, 0x100,
		CODE("\x41\x0e\x10\x86\x02\x43\x0d\x06\x0a\x44\x0c\x07\x08\x41\x0b"));
	cie = put_cie(&frame, "zRS", (const uint8_t *)"", 1);
	put_fde(&frame, cie, 0x3000, 0x20000, CODE("\0\x0f\x04\x77\xa0\x01\x06\x02\x10\x07\x10"));
	put(&debug, "\x10\0\0\0\xff\xff\xff\xff\x01\0\x01\x78\x10\x0c\x07\x08\x90\x01\0\0", 20);
	put(&debug, "\x14\0\0\0\0\0\0\0\0\x40\0\0\0\0\0\0\x10\0\0\0\0\0\0\0", 24);
	image__make(&image, &(struct image_spec){.eh_frame = &frame, .debug_frame = &debug});
}

static void test_truncated_at_each_byte(void **state)
{
	static struct result from_file;
	size_t len;

	(void)state;
	make_rich_image();
	len = image.len;
	result__of_memory(&result, image.data, len, NULL);
	assert_string_equal(result.reason, "");
	for (size_t i = 0; i < len; i++) {
		result__of_memory(&result, image.data, i, NULL);
		result__of_file(&from_file, image.data, i, NULL, 10);
		assert_int_equal(result.err, from_file.err);
		assert_string_equal(result.reason, from_file.reason);
		assert_true(!result.err || result.reason[0]);
	}
}

static void test_each_byte_flipped(void **state)
{
	static const uint8_t values[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
	uint8_t byte;

	(void)state;
	make_rich_image();
	for (size_t i = 0; i < image.len; i++) {
		byte = image.data[i];
		for (size_t j = 0; j < sizeof(values); j++) {
			image.data[i] = values[j];
			result__of_memory(&result, image.data, image.len, NULL);
			assert_true(result.err <= 0);
			assert_true(!result.err || result.reason[0]);
		}
		image.data[i] = byte;
	}
}

/* The section itself cut off at each byte, its header telling the truth. */
static void test_truncated_section(void **state)
{
	Elf64_Shdr *shdr;

	(void)state;
	make_rich_image();
	image.shdrs[SHDR_DEBUG_FRAME].sh_type = SHT_NULL;
	shdr = &image.shdrs[SHDR_EH_FRAME];
	for (size_t len = shdr->sh_size - 1; len; len--) {
		shdr->sh_size = len;
		result__of_memory(&result, image.data, image.len, NULL);
		assert_true(result.err == -EINVAL || result.err == -ENODATA || !result.err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_changing_file),
		cmocka_unit_test(test_truncated_at_each_byte),
		cmocka_unit_test(test_each_byte_flipped),
		cmocka_unit_test(test_truncated_section),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
