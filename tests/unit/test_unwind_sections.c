// SPDX-License-Identifier: GPL-2.0
/* Where call frame records are found, in which formats, and which of them count. */
#include "../unwind/expect_rows.h"

static void test_sections(void **state)
{
	static struct bytes eh, debug;
	struct image_spec spec = {.eh_frame = &eh};
	size_t cie;

	(void)state;
	eh.len = debug.len = 0;
	cie = put_plain_cie(&eh);
	put_fde(&eh, cie, 0x3000, 0x10, CODE(""));
	put_uint(&eh, 0, 4); /* crtend.o in the middle */
	put_fde(&eh, cie, 0x2000, 0x10, CODE("\x41\x0e\x10"));
	put_uint(&eh, 0, 4);
	expect_rows("terminators in the middle, FDEs not in order", &spec,
		"2000 " ROW_RSP8 "2001 cfa=rsp+16 rbp=u ra=c-8\n2010 end\n3000 " ROW_RSP8
		"3010 end\n");
	spec.no_section_headers = true;
	spec.hdr_fde_cnt = 2;
	expect_rows("PT_GNU_EH_FRAME", &spec,
		"2000 " ROW_RSP8 "2001 cfa=rsp+16 rbp=u ra=c-8\n2010 end\n3000 " ROW_RSP8
		"3010 end\n");
	spec.hdr_fde_cnt = 0;
	expect_rows("PT_GNU_EH_FRAME without a count ends at a terminator", &spec,
		"3000 " ROW_RSP8 "3010 end\n");
}

/* .debug_frame: ids of all ones, offsets from the section's start, absolute addresses. */
static size_t put_debug_cie(struct bytes *b, uint8_t version)
{
	size_t start = begin_record(b);

	put_uint(b, UINT32_MAX, 4);
	put_uint(b, version, 1);
	put_uint(b, 0, 1);
	if (version == 4)
		put(b, "\x08\x00", 2);
	put(b, "\x01\x78\x10", 3);
	put(b, CIE_CODE);
	end_record(b, start);
	return start - 4;
}

static void put_debug_fde(struct bytes *b, size_t cie, uint64_t begin, uint64_t len)
{
	size_t start = begin_record(b);

	put_uint(b, cie, 4);
	put_uint(b, begin, 8);
	put_uint(b, len, 8);
	put(b, "\x41\x0e\x20", 3);
	end_record(b, start);
}

#define DEBUG_ROWS "2000 " ROW_RSP8 "2001 cfa=rsp+32 rbp=u ra=c-8\n2010 end\n"

static void test_debug_frame(void **state)
{
	static struct bytes debug, eh, empty;
	struct image_spec spec = {.debug_frame = &debug};

	(void)state;
	debug.len = eh.len = empty.len = 0;
	put_debug_cie(&debug, 3);
	put_debug_fde(&debug, put_debug_cie(&debug, 4), 0x2000, 0x10);
	put_debug_fde(&debug, 0, 0, 0x10); /* of a function that the linker threw away */
	expect_rows(".debug_frame", &spec, DEBUG_ROWS);
	assert_int_equal(result.stats.fde_outside_cnt, 1);
	spec.compress_debug_frame = true;
	expect_rows("compressed .debug_frame", &spec, DEBUG_ROWS);
	put_uint(&empty, 0, 4);
	spec.eh_frame = &empty;
	expect_rows("empty .eh_frame", &spec, DEBUG_ROWS);
	put_debug_fde(&debug, 0, 0x3000, 0x100);
	put_debug_fde(&debug, 0, 0x3020, 0x10);
	put_fde(&eh, put_plain_cie(&eh), 0x3010, 0x30, CODE(""));
	spec.eh_frame = &eh;
	expect_rows(".eh_frame comes first where both have an FDE", &spec,
		DEBUG_ROWS "3000 " ROW_RSP8 "3001 cfa=rsp+32 rbp=u ra=c-8\n3010 " ROW_RSP8
			   "3040 end\n");
}

/* Both ways to write the 64-bit format: ids of 4 bytes (LSB, LLVM) and of 8 (binutils,
 * elfutils). */
static void put_64bit(struct bytes *b, unsigned int id_bytes)
{
	size_t start, cie = b->len;
	uint64_t len;

	for (int is_fde = 0; is_fde < 2; is_fde++) {
		put_uint(b, UINT32_MAX, 4);
		put_uint(b, 0, 8);
		start = b->len;
		put_uint(b, is_fde ? start - cie : 0, id_bytes);
		if (is_fde) {
			put_uint(b, 0x2000, 8);
			put_uint(b, 0x10, 8);
		} else {
			put(b, "\x01\0\x01\x78\x10\x0c\x07\x08\x90\x01", 10);
		}
		while (b->len % 8)
			put_uint(b, DW_CFA_nop, 1);
		len = b->len - start;
		memcpy(b->data + start - 8, &len, sizeof(len));
	}
}

static void test_64bit(void **state)
{
	static struct bytes frame;

	(void)state;
	for (unsigned int id_bytes = 4; id_bytes <= 8; id_bytes += 4) {
		frame.len = 0;
		put_64bit(&frame, id_bytes);
		expect_rows("64-bit format", &(struct image_spec){.eh_frame = &frame},
			"2000 " ROW_RSP8 "2010 end\n");
	}
}

static void test_overlaps(void **state)
{
	static struct bytes frame;
	struct image_spec spec = {.eh_frame = &frame};
	size_t cie;

	(void)state;
	frame.len = 0;
	cie = put_plain_cie(&frame);
	put_fde(&frame, cie, 0x2000, 0x100, CODE("\x0e\x10"));
	put_fde(&frame, cie, 0x2040, 0x10, CODE("\x0e\x18"));
	put_fde(&frame, cie, 0x2040, 0x80, CODE("\x0e\x20"));
	put_fde(&frame, cie, 0x2050, 0x10, CODE("\x0e\x28"));
	put_fde(&frame, cie, 0x2070, 0, CODE("\x0e\x30"));
	expect_rows("the nearest begin counts, of equal ones the first", &spec,
		"2000 cfa=rsp+16 rbp=u ra=c-8\n2040 cfa=rsp+24 rbp=u ra=c-8\n"
		"2050 cfa=rsp+40 rbp=u ra=c-8\n2060 end\n");
	assert_int_equal(result.stats.fde_overlap_cnt, 2);
	assert_int_equal(result.stats.fde_outside_cnt, 1);
}

static void test_code_limits(void **state)
{
	static struct bytes frame;
	struct image_spec spec = {.eh_frame = &frame};
	size_t cie;

	(void)state;
	frame.len = 0;
	cie = put_plain_cie(&frame);
	put_fde(&frame, cie, CODE_START - 8, 16, CODE(""));
	put_fde(&frame, cie, CODE_END, 16, CODE(""));
	put_fde(&frame, cie, CODE_END - 16, UINT64_MAX, CODE(""));
	expect_rows("FDEs outside of code are skipped, others cut", &spec,
		"100ff0 " ROW_RSP8 "101000 end\n");
	assert_int_equal(result.stats.fde_outside_cnt, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sections),
		cmocka_unit_test(test_debug_frame),
		cmocka_unit_test(test_64bit),
		cmocka_unit_test(test_overlaps),
		cmocka_unit_test(test_code_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
