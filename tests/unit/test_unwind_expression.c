// SPDX-License-Identifier: GPL-2.0
/* Numbers of DWARF, and expressions -> what they compute. */
#include <dwarf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "unwind/cursor.h"
#include "unwind/expression.h"

#define CODE(string) (const uint8_t *)(string), sizeof(string) - 1

static const struct {
	const uint8_t *bytes;
	size_t len;
	uint64_t unsigned_value;
	int64_t signed_value;
	int is_cut_off;
} numbers[] = {
	{CODE("\x00"), 0, 0, 0},
	{CODE("\x3f"), 63, 63, 0},
	{CODE("\x40"), 64, -64, 0},
	{CODE("\x7f"), 127, -1, 0},
	{CODE("\x80\x01"), 128, 128, 0},
	{CODE("\x80\x7f"), 16256, -128, 0},
	{CODE("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), UINT64_MAX, -1, 0},
	{CODE("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7f"), 1ull << 63, INT64_MIN, 0},
	{CODE("\x85\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00"), 5, 5, 0},
	{CODE("\x80"), 0, 0, 1},
	{CODE(""), 0, 0, 1},
};

static void test_leb128(void **state)
{
	struct cursor c;

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		c = cursor__new(numbers[i].bytes, numbers[i].len);
		assert_true(cursor__uleb128(&c) == numbers[i].unsigned_value);
		assert_int_equal(c.overrun, numbers[i].is_cut_off);
		assert_int_equal(cursor__left(&c), 0);
		c = cursor__new(numbers[i].bytes, numbers[i].len);
		assert_true(cursor__sleb128(&c) == numbers[i].signed_value);
		assert_int_equal(c.overrun, numbers[i].is_cut_off);
	}
}

static void test_cursor_end(void **state)
{
	struct cursor c = cursor__new("\x01\x02\x03", 3);

	(void)state;
	assert_int_equal(cursor__uint(&c, 2), 0x0201);
	assert_int_equal(cursor__uint(&c, 2), 0);
	assert_true(c.overrun);
	assert_int_equal(cursor__left(&c), 0);
	c = cursor__new("ab\0c", 4);
	assert_string_equal(cursor__string(&c), "ab");
	assert_null(cursor__string(&c));
	assert_true(c.overrun);
	c = cursor__new("\xfe\xff", 2);
	assert_int_equal(cursor__sint(&c, 2), -2);
	assert_null(cursor__skip(&c, UINT64_MAX));
}

static const char *text_of(struct cfi_value value, char buf[64])
{
	char index[16] = "";

	if (value.has_index)
		snprintf(index, sizeof(index), "+8*r%u", value.index);
	switch (value.kind) {
	case CFI_VALUE_CONST:
		snprintf(buf, 64, "%lld", (long long)value.offset);
		return buf;
	case CFI_VALUE_INDEX:
		snprintf(buf, 64, "8*r%u", value.reg);
		return buf;
	case CFI_VALUE_LINEAR:
		snprintf(buf, 64, "r%u%s%+lld", value.reg, index, (long long)value.offset);
		return buf;
	case CFI_VALUE_DEREF:
		snprintf(buf, 64, "*(r%u%s%+lld)%+lld", value.reg, index, (long long)value.offset,
			(long long)value.extra);
		return buf;
	case CFI_VALUE_PLT:
		snprintf(buf, 64, "plt%lld", (long long)value.offset);
		return buf;
	}
	return "unknown";
}

/* r255 is the CFA that a saved register's expression starts with. */
static const struct {
	const uint8_t *expression;
	size_t len;
	int has_cfa;
	const char *text;
} expressions[] = {
	{CODE(""), 0, "unknown"}, {CODE(""), 1, "r255+0"}, {CODE("\x23\x10"), 1, "r255+16"},
	{CODE("\x77\x08"), 0, "r7+8"}, {CODE("\x77\x08"), 1, "r7+8"},
	{CODE("\x92\x07\x08"), 0, "r7+8"},
	{CODE("\x92\x80\x04\x08"), 0, "unknown"}, /* register 512 */
	{CODE("\x76\x78\x06"), 0, "*(r6-8)+0"}, {CODE("\x77\x10\x06\x23\x40"), 0, "*(r7+16)+64"},
	{CODE("\x77\x10\x06\x38\x1c"), 0, "*(r7+16)-8"},
	{CODE("\x77\x00\x38\x22\x06"), 0, "*(r7+8)+0"},
	{CODE("\x38\x77\x00\x22\x06"), 0, "*(r7+8)+0"}, {CODE("\x08\xf8\x77\x00\x22"), 0, "r7+248"},
	{CODE("\x09\xf8\x77\x00\x22"), 0, "r7-8"}, {CODE("\x0a\x00\x01\x77\x00\x22"), 0, "r7+256"},
	{CODE("\x0b\x00\xff\x77\x00\x22"), 0, "r7-256"},
	{CODE("\x0c\x00\x00\x01\x00\x77\x00\x22"), 0, "r7+65536"},
	{CODE("\x10\x80\x01\x77\x00\x22"), 0, "r7+128"}, {CODE("\x11\x7f\x77\x00\x22"), 0, "r7-1"},
	{CODE("\x96\x77\x08\x96"), 0, "r7+8"},
	{CODE("\x77\x08\x79\x00\x38\x1e\x22\x06\x23\x08"), 0, "*(r7+8*r9+8)+8"}, /* bn_mul_mont */
	{CODE("\x77\x08\x79\x00\x34\x1e\x22"), 0, "unknown"},                    /* times 4 */
	{CODE("\x77\x08\x79\x08\x38\x1e\x22"), 0, "unknown"},
	{CODE("\x77\x08\x06\x06"), 0, "unknown"}, /* loaded twice */
	{CODE("\x77\x08\x76\x08\x22"), 0, "unknown"},
	{CODE("\x38\x77\x00\x1c"), 0, "unknown"}, /* 8 - rsp */
	{CODE("\x22"), 0, "unknown"}, {CODE("\x06"), 0, "unknown"}, {CODE("\x77"), 0, "unknown"},
	{CODE("\x0e\x01\x02"), 0, "unknown"},
	{CODE("\x30\x31\x32\x33\x34\x35\x36\x37\x38"), 0, "unknown"}, /* deeper than 8 */
	{CODE("\x77\x08\x80\x00\x3f\x1a\x3b\x2a\x33\x24\x22"), 0, "plt11"},
	{CODE("\x77\x08\x80\x00\x3f\x1a\x39\x2a\x33\x24\x22"), 0, "plt9"},
	{CODE("\x77\x08\x80\x00\x3f\x1a\x3b\x2a\x33\x24\x22"), 1, "unknown"},
	{CODE("\x77\x10\x80\x00\x3f\x1a\x3b\x2a\x33\x24\x22"), 0, "unknown"},
	{CODE("\x77\x08\x80\x00\x3f\x1a\x40\x2a\x33\x24\x22"), 0, "unknown"}, /* lit16 */
};

static void test_expressions(void **state)
{
	struct cfi_value value;
	char buf[64];

	(void)state;
	for (size_t i = 0; i < sizeof(expressions) / sizeof(expressions[0]); i++) {
		value = expression__classify(
			expressions[i].expression, expressions[i].len, expressions[i].has_cfa);
		assert_string_equal(text_of(value, buf), expressions[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_leb128),
		cmocka_unit_test(test_cursor_end),
		cmocka_unit_test(test_expressions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
