// SPDX-License-Identifier: GPL-2.0
/* Golden tables: call frame records made by hand -> the rows of the table. */
#include "../unwind/expect_rows.h"

/* One FDE over [0x1000, 0x1100) with the plain CIE. */
struct program {
	const char *name;
	const uint8_t *code;
	size_t len;
	const char *rows;
};

#define END "1100 end\n"

static const struct program programs[] = {
	{"no instruction", CODE(""), "1000 " ROW_RSP8 END},
	{"push rbp; mov rsp,rbp", CODE("\x41\x0e\x10\x86\x02\x43\x0d\x06"),
		"1000 " ROW_RSP8
		"1001 cfa=rsp+16 rbp=c-16 ra=c-8\n1004 cfa=rbp+16 rbp=c-16 ra=c-8\n" END},
	{"advance_loc1, 2 and 4",
		CODE("\x02\x10\x0e\x10\x03\x20\x00\x0e\x18\x04\x30\x00\x00\x00\x0e\x20"),
		"1000 " ROW_RSP8 "1010 cfa=rsp+16 rbp=u ra=c-8\n1030 cfa=rsp+24 rbp=u ra=c-8\n"
		"1060 cfa=rsp+32 rbp=u ra=c-8\n" END},
	{"MIPS_advance_loc8", CODE("\x1d\x40\x00\x00\x00\x00\x00\x00\x00\x0e\x10"),
		"1000 " ROW_RSP8 "1040 cfa=rsp+16 rbp=u ra=c-8\n" END},
	{"set_loc", CODE("\x01\x80\x10\x00\x00\x00\x00\x00\x00\x0e\x10"),
		"1000 " ROW_RSP8 "1080 cfa=rsp+16 rbp=u ra=c-8\n" END},
	{"an advance of 0 replaces the row", CODE("\x40\x0e\x10\x40\x0e\x18"),
		"1000 cfa=rsp+24 rbp=u ra=c-8\n" END},
	{"equal rows are merged", CODE("\x41\x0e\x10\x41\x0e\x10\x41\x0e\x08"),
		"1000 " ROW_RSP8 "1001 cfa=rsp+16 rbp=u ra=c-8\n1003 " ROW_RSP8 END},
	{"rows beyond the end are left out", CODE("\x03\x00\x01\x0e\x10"), "1000 " ROW_RSP8 END},
	{"def_cfa and def_cfa_register", CODE("\x41\x0c\x06\x10\x41\x0d\x07\x41\x0d\x03"),
		"1000 " ROW_RSP8 "1001 cfa=rbp+16 rbp=u ra=c-8\n1002 cfa=rsp+16 rbp=u ra=c-8\n"
		"1003 cfa=rbx+16 rbp=u ra=c-8\n" END},
	{"def_cfa_sf and def_cfa_offset_sf", CODE("\x41\x12\x06\x7e\x41\x13\x7d"),
		"1000 " ROW_RSP8
		"1001 cfa=rbp+16 rbp=u ra=c-8\n1002 cfa=rbp+24 rbp=u ra=c-8\n" END},
	{"offset_extended, offset_extended_sf, GNU_negative_offset_extended",
		CODE("\x41\x05\x06\x02\x41\x11\x06\x7f\x41\x2f\x06\x03"),
		"1000 " ROW_RSP8 "1001 cfa=rsp+8 rbp=c-16 ra=c-8\n1002 cfa=rsp+8 rbp=c+8 ra=c-8\n"
		"1003 cfa=rsp+8 rbp=c+24 ra=c-8\n" END},
	{"restore and restore_extended", CODE("\x86\x02\x41\xc6\x41\x86\x02\x41\x06\x06"),
		"1000 cfa=rsp+8 rbp=c-16 ra=c-8\n1001 " ROW_RSP8
		"1002 cfa=rsp+8 rbp=c-16 ra=c-8\n1003 " ROW_RSP8 END},
	{"remember_state and restore_state keep the CFA",
		CODE("\x0e\x20\x0a\x41\x0e\x10\x0a\x41\x0c\x06\x08\x41\x0b\x41\x0b"),
		"1000 cfa=rsp+32 rbp=u ra=c-8\n1001 cfa=rsp+16 rbp=u ra=c-8\n1002 cfa=rbp+8 rbp=u ra=c-8\n"
		"1003 cfa=rsp+16 rbp=u ra=c-8\n1004 cfa=rsp+32 rbp=u ra=c-8\n" END},
	{"same_value and undefined rbp", CODE("\x86\x02\x41\x08\x06\x41\x07\x06"),
		"1000 cfa=rsp+8 rbp=c-16 ra=c-8\n1001 " ROW_RSP8
		"1002 cfa=rsp+8 rbp=lost ra=c-8\n" END},
	{"undefined return address is the root", CODE("\x41\x07\x10"),
		"1000 " ROW_RSP8 "1001 root\n" END},
	{"GNU_args_size and other registers change nothing",
		CODE("\x2e\x80\x01\x41\x8d\x02\x8c\x03\x41\x05\x11\x04"), "1000 " ROW_RSP8 END},
	{"rbx below the CFA, and back in its register", CODE("\x41\x83\x02\x41\xc3"),
		"1000 " ROW_RSP8 "1001 cfa=rsp+8 rbp=u ra=c-8 rbx=c-16\n1002 " ROW_RSP8 END},
	{"rbx saved in a frame that is found by it, as in ld.so's lazy binding",
		CODE("\x83\x02\x0d\x03"), "1000 cfa=rbx+8 rbp=u ra=c-8 rbx=c-16\n" END},
	{"rbx that no row can tell",
		CODE("\x14\x03\x02\x41\x08\x03\x41\x07\x03\x41\x05\x03\x80\x80\x02"),
		"1000 cfa=rsp+8 rbp=u ra=c-8 rbx=lost\n1001 " ROW_RSP8
		"1002 cfa=rsp+8 rbp=u ra=c-8 rbx=lost\n" END},
	{"rbx where the CFA needs its room", CODE("\x0f\x03\x77\x08\x06\x41\x83\x02"),
		"1000 cfa=*(rsp+8)+0 rbp=u ra=c-8\n1001 cfa=*(rsp+8)+0 rbp=u ra=c-8 rbx=lost\n" END},
	{"return address in rdi, as in vfork", CODE("\x41\x0e\x00\x09\x10\x05"),
		"1000 " ROW_RSP8 "1001 cfa=rsp+0 rbp=u ra=rdi\n" END},
	{"return address elsewhere in the frame", CODE("\x90\x05"),
		"1000 cfa=rsp+8 rbp=u ra=c-40\n" END},
	{"val_offset of rbp is lost, of rip unsupported", CODE("\x14\x06\x02\x41\x15\x10\x7f"),
		"1000 cfa=rsp+8 rbp=lost ra=c-8\n1001 unsupported\n" END},
	{"val_offset 0 of rsp is what the CFA means anyhow", CODE("\x14\x07\x00"),
		"1000 " ROW_RSP8 END},
	{"rsp in a register, as in longjmp", CODE("\x41\x09\x07\x08"),
		"1000 " ROW_RSP8 "1001 unsupported\n" END},
	{"rsp in memory, as in setcontext", CODE("\x41\x11\x07\x6c"),
		"1000 " ROW_RSP8 "1001 unsupported\n" END},
	{"CFA offset beyond 32 bits", CODE("\x0e\x80\x80\x80\x80\x10"), "1000 unsupported\n" END},
	{"CFA in rip", CODE("\x0c\x10\x08"), "1000 unsupported\n" END},
	{"numbers with padding", CODE("\x0e\x90\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00"),
		"1000 cfa=rsp+16 rbp=u ra=c-8\n" END},
	{"PLT", CODE("\x0e\x10\x46\x0e\x18\x4a\x0f\x0b\x77\x08\x80\x00\x3f\x1a\x3b\x2a\x33\x24\x22"),
		"1000 cfa=rsp+16 rbp=u ra=c-8\n1006 cfa=rsp+24 rbp=u ra=c-8\n1010 cfa=plt11 rbp=u ra=c-8\n" END},
	{"PLT with endbr64", CODE("\x0f\x0b\x77\x08\x80\x00\x3f\x1a\x3a\x2a\x33\x24\x22"),
		"1000 cfa=plt10 rbp=u ra=c-8\n" END},
	{"DRAP", CODE("\x41\x0c\x0a\x00\x44\x10\x06\x02\x76\x00\x44\x0f\x03\x76\x78\x06"),
		"1000 " ROW_RSP8 "1001 cfa=r10+0 rbp=u ra=c-8\n1005 cfa=r10+0 rbp=*(rbp+0) ra=c-8\n"
		"1009 cfa=*(rbp-8)+0 rbp=*(rbp+0) ra=c-8\n" END},
	{"OpenSSL's saved rsp", CODE("\x0f\x06\x77\x98\x01\x06\x23\x08"),
		"1000 cfa=*(rsp+152)+8 rbp=u ra=c-8\n" END},
	{"def_cfa_offset does not end an expression, def_cfa_register does",
		CODE("\x0f\x03\x77\x00\x06\x41\x0e\x10\x41\x0d\x07"),
		"1000 cfa=*(rsp+0)+0 rbp=u ra=c-8\n1002 cfa=rsp+16 rbp=u ra=c-8\n" END},
	{"rbp by an expression from the CFA", CODE("\x10\x06\x02\x23\x10"),
		"1000 cfa=rsp+8 rbp=c+16 ra=c-8\n" END},
	{"an expression that no row holds", CODE("\x0f\x04\x77\x00\x06\x06"),
		"1000 unsupported\n" END},
};

static void test_programs(void **state)
{
	static struct bytes frame;
	size_t cie;

	(void)state;
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		frame.len = 0;
		cie = put_plain_cie(&frame);
		put_fde(&frame, cie, 0x1000, 0x100, programs[i].code, programs[i].len);
		expect_rows(programs[i].name, &(struct image_spec){.eh_frame = &frame},
			programs[i].rows);
	}
}

/* An FDE's first address in every encoding; `bytes` is what stands in the file for 0x2000. */
struct encoding {
	const char *name;
	uint8_t encoding;
	const uint8_t *bytes; /* address and size 0x10 */
	size_t len;
};

/* The address field of the FDE lies at FRAME_ADDRESS + 0x20: the CIE takes 24 bytes. */
static const struct encoding encodings[] = {
	{"absptr", DW_EH_PE_absptr, CODE("\x00\x20\0\0\0\0\0\0\x10\0\0\0\0\0\0\0")},
	{"udata2", DW_EH_PE_udata2, CODE("\x00\x20\x10\x00")},
	{"udata4", DW_EH_PE_udata4, CODE("\x00\x20\0\0\x10\0\0\0")},
	{"udata8", DW_EH_PE_udata8, CODE("\x00\x20\0\0\0\0\0\0\x10\0\0\0\0\0\0\0")},
	{"sdata2", DW_EH_PE_sdata2, CODE("\x00\x20\x10\x00")},
	{"sdata8", DW_EH_PE_sdata8, CODE("\x00\x20\0\0\0\0\0\0\x10\0\0\0\0\0\0\0")},
	{"uleb128", DW_EH_PE_uleb128, CODE("\x80\x40\x10")},
	{"sleb128", DW_EH_PE_sleb128, CODE("\x80\xc0\x00\x10")},
	{"pcrel sdata4", DW_EH_PE_pcrel | DW_EH_PE_sdata4, CODE("\xe0\x1f\xe0\xff\x10\0\0\0")},
	{"pcrel sdata8", DW_EH_PE_pcrel | DW_EH_PE_sdata8,
		CODE("\xe0\x1f\xe0\xff\xff\xff\xff\xff\x10\0\0\0\0\0\0\0")},
	{"aligned", DW_EH_PE_aligned, CODE("\x00\x20\0\0\0\0\0\0\x10\0\0\0\0\0\0\0")},
};

static void test_encodings(void **state)
{
	static struct bytes frame;
	size_t cie, start;

	(void)state;
	for (size_t i = 0; i < sizeof(encodings) / sizeof(encodings[0]); i++) {
		frame.len = 0;
		cie = put_cie(&frame, "zR", &encodings[i].encoding, 1);
		start = begin_record(&frame);
		assert_int_equal(start, 0x1c);
		put_uint(&frame, start - cie, 4);
		put(&frame, encodings[i].bytes, encodings[i].len);
		put_uint(&frame, 0, 1); /* augmentation data: none */
		end_record(&frame, start);
		expect_rows(encodings[i].name, &(struct image_spec){.eh_frame = &frame},
			"2000 " ROW_RSP8 "2010 end\n");
	}
}

static void test_set_loc_encoded(void **state)
{
	static const uint8_t encoding = DW_EH_PE_pcrel | DW_EH_PE_sdata4;
	static struct bytes frame;
	size_t cie, start;

	(void)state;
	frame.len = 0;
	cie = put_cie(&frame, "zR", &encoding, 1);
	start = begin_record(&frame);
	put_uint(&frame, start - cie, 4);
	put(&frame, "\xe0\x1f\xe0\xff\x10\0\0\0\0", 9);
	put(&frame, "\x01", 1);
	put_uint(&frame, 0x2008 - (FRAME_ADDRESS + frame.len), 4);
	put(&frame, "\x0e\x10", 2);
	end_record(&frame, start);
	expect_rows("set_loc pcrel", &(struct image_spec){.eh_frame = &frame},
		"2000 " ROW_RSP8 "2008 cfa=rsp+16 rbp=u ra=c-8\n2010 end\n");
}

static void test_augmentations(void **state)
{
	static const uint8_t data[] = {DW_EH_PE_pcrel | DW_EH_PE_sdata4,          /* L */
		DW_EH_PE_indirect | DW_EH_PE_pcrel | DW_EH_PE_sdata4, 1, 2, 3, 4, /* P */
		DW_EH_PE_udata4};                                                 /* R */
	static struct bytes frame;
	size_t cie, start;

	(void)state;
	frame.len = 0;
	cie = put_cie(&frame, "zLPRSB", data, sizeof(data));
	start = begin_record(&frame);
	put_uint(&frame, start - cie, 4);
	put(&frame, "\x00\x20\0\0\x10\0\0\0", 8);
	put(&frame, "\x04\xaa\xbb\xcc\xdd", 5); /* exception table */
	end_record(&frame, start);
	expect_rows("zLPRSB", &(struct image_spec){.eh_frame = &frame},
		"2000 cfa=rsp+8 rbp=u ra=c-8 signal\n2010 end\n");
}

/* glibc's __restore_rt, and what is not one though its 'S' says so. */
static void test_signal_frame(void **state)
{
	static const struct {
		const char *name;
		const uint8_t *code;
		size_t len;
		const char *rows;
	} frames[] = {
		{"__restore_rt",
			CODE("\x0f\x04\x77\xa0\x01\x06\x10\x06\x03\x77\xf8\x00\x10\x10\x03\x77\xa8\x01"
			     "\x10\x07\x03\x77\xa0\x01"),
			"1000 sigframe rsp+0\n" END},
		{"ucontext 8 bytes up",
			CODE("\x0f\x04\x77\xa8\x01\x06\x10\x06\x03\x77\x80\x01\x10\x10\x03\x77\xb0\x01"),
			"1000 sigframe rsp+8\n" END},
		{"rip where rbp is",
			CODE("\x0f\x04\x77\xa0\x01\x06\x10\x06\x03\x77\xf8\x00\x10\x10\x03\x77\xf8\x00"),
			"1000 unsupported\n" END},
	};
	static struct bytes frame;
	size_t cie, start;

	(void)state;
	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
		frame.len = 0;
		cie = put_cie(&frame, "zRS", (const uint8_t *)"", 1);
		start = begin_record(&frame);
		put_uint(&frame, start - cie, 4);
		put_uint(&frame, 0x1000, 8);
		put_uint(&frame, 0x100, 8);
		put_uint(&frame, 0, 1);
		put(&frame, frames[i].code, frames[i].len);
		end_record(&frame, start);
		expect_rows(
			frames[i].name, &(struct image_spec){.eh_frame = &frame}, frames[i].rows);
	}
}

static void test_code_align(void **state)
{
	static struct bytes frame;
	size_t cie, start;

	(void)state;
	frame.len = 0;
	cie = 0;
	start = begin_record(&frame);
	put(&frame, "\0\0\0\0\x03\0\x04\x7c\x10\x0c\x07\x08\x90\x02", 14); /* version 3, 4, -4 */
	end_record(&frame, start);
	put_fde(&frame, cie, 0x2000, 0x40, CODE("\x42\x0e\x10\x86\x04\x02\x03\x13\x78"));
	expect_rows("code_align 4, data_align -4", &(struct image_spec){.eh_frame = &frame},
		"2000 " ROW_RSP8
		"2008 cfa=rsp+16 rbp=c-16 ra=c-8\n2014 cfa=rsp+32 rbp=c-16 ra=c-8\n2040 end\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_programs),
		cmocka_unit_test(test_encodings),
		cmocka_unit_test(test_set_loc_encoded),
		cmocka_unit_test(test_augmentations),
		cmocka_unit_test(test_signal_frame),
		cmocka_unit_test(test_code_align),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
