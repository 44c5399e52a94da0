// SPDX-License-Identifier: GPL-2.0
/* Text of hostile processes: what is UTF-8, what is not, and what becomes of it. */
#include "test_output.h"

#include "output/text.h"

static const struct {
	const char *text;
	const char *repaired;
	const char *folded;
	const char *escaped;
} rows[] = {
	{"", "", "", ""},
	{"a b", "a b", "a b", "a b"},
	{"a;b\n", "a;b\n", "a:b?", "a;b\\n"},
	{"\x7f\x01", "\x7f\x01", "??", "\\x7f\\x01"},
	{"\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\xa5", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\xa5",
		"\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\xa5", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\xa5"},
	/* cut short; a continuation alone; overlong '/'; a surrogate; above U+10FFFF; 0xff */
	{"\xe2\x82", "??", "??", "\\xe2\\x82"},
	{"\x80x", "?x", "?x", "\\x80x"},
	{"\xc0\xaf", "??", "??", "\\xc0\\xaf"},
	{"\xed\xa0\x80", "???", "???", "\\xed\\xa0\\x80"},
	{"\xf4\x90\x80\x80", "????", "????", "\\xf4\\x90\\x80\\x80"},
	{"\xff", "?", "?", "\\xff"},
	/* C1's CSI; right-to-left override; line separator */
	{"\xc2\x9b", "\xc2\x9b", "??", "\\xc2\\x9b"},
	{"\xe2\x80\xae", "\xe2\x80\xae", "\xe2\x80\xae", "\\xe2\\x80\\xae"},
	{"\xe2\x80\xa8", "\xe2\x80\xa8", "\xe2\x80\xa8", "\\xe2\\x80\\xa8"},
};

static void test_rows(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		/* Of exact size, so that a sanitizer sees a read beyond. */
		size_t bytes = strlen(rows[i].text);
		char *text = malloc(bytes + 1);
		char *escaped = NULL;
		size_t escaped_bytes;
		FILE *out = open_memstream(&escaped, &escaped_bytes);

		memcpy(text, rows[i].text, bytes);
		assert_int_equal(
			text__is_utf8(text, bytes), !strcmp(rows[i].text, rows[i].repaired));
		text__repair_utf8(text, bytes);
		assert_memory_equal(text, rows[i].repaired, bytes);
		memcpy(text, rows[i].text, bytes);
		text__fold(text, bytes);
		assert_memory_equal(text, rows[i].folded, bytes);
		assert_int_equal(text__print_escaped(rows[i].text, out), 0);
		fclose(out);
		assert_string_equal(escaped, rows[i].escaped);
		free(escaped);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
