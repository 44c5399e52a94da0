// SPDX-License-Identifier: GPL-2.0
/* A profile's frames to locations: order, sharing, mappings as pprof wants them, text for no
 * name. */
#include "test_symbol.h"

#include <inttypes.h>

#include "symbol/memory.h"

static void test_find(void **state)
{
	struct fixture *fixture = *state;
	uint64_t raw = 0x7f0000001234, again[2] = {raw, raw};
	uint64_t kernel = FRAME_KERNEL | 0x7fffffff81000000;
	char buf[64];

	fixture__add(fixture, 7, 100, &raw, 1);
	fixture__add(fixture, 7, 100, again, 2);
	fixture__add(fixture, 7, 200, &raw, 1);
	fixture__add(fixture, 8, 100, &raw, 1);
	fixture__add(fixture, 8, 100, &kernel, 1);
	fixture__add(fixture, 7, 100, &kernel, 1);
	fixture__resolve(fixture, NULL);
	/* A raw address is a process's own, a kernel address is everyone's. */
	assert_int_equal(fixture->symbols->location_cnt, 4);
	assert_ptr_equal(symbols__find(fixture->symbols, kernel, 7, 100),
		symbols__find(fixture->symbols, kernel, 0, 0));
	assert_non_null(symbols__find(fixture->symbols, raw, 7, 200));
	assert_int_equal(symbols__find(fixture->symbols, raw, 7, 200)->start_ns, 200);
	assert_int_equal(symbols__find(fixture->symbols, raw, 8, 100)->pid, 8);
	assert_null(symbols__find(fixture->symbols, raw, 9, 100));
	assert_null(symbols__find(fixture->symbols, raw + 1, 7, 100));
	assert_string_equal(symbol_location__name(fixture->symbols,
				    symbols__find(fixture->symbols, raw, 7, 100), buf, sizeof(buf)),
		"[0x7f0000001234]");
	assert_string_equal(
		fixture->symbols->mappings[symbols__find(fixture->symbols, raw, 7, 100)->mapping]
			.path,
		"//anon");
}

static void test_empty(void **state)
{
	struct fixture *fixture = *state;

	fixture__resolve(fixture, NULL);
	assert_int_equal(fixture->symbols->location_cnt, 0);
	assert_int_equal(fixture->symbols->mapping_cnt, 0);
	assert_null(symbols__find(fixture->symbols, 1, 1, 1));
}

/* One mapping an executable segment, as readelf sees it. */
static void test_mapping(void **state)
{
	struct fixture *fixture = *state;
	const char *path = loaded_object("libc.so.6");
	uint32_t id = fixture__file(fixture, path);
	const struct symbol_location *location;
	const struct symbol_mapping *mapping;
	uint64_t offset, vaddr, bytes, frames[3];
	char buf[64], want[64];
	char *text;

	text = command_output("readelf -lW %s | awk '$1 == \"LOAD\" && / R E /"
			      " { print $2, $3, $6 }'",
		path);
	assert_int_equal(
		sscanf(text, "%" PRIx64 " %" PRIx64 " %" PRIx64, &offset, &vaddr, &bytes), 3);
	free(text);
	/* The last one lies behind the segment: an address all the same. */
	frames[0] = file_frame(id, vaddr);
	frames[1] = file_frame(id, vaddr + bytes - 1);
	frames[2] = file_frame(id, 0x7777777000);
	fixture__add(fixture, 1, 1, frames, 3);
	fixture__resolve(fixture, NULL);
	assert_int_equal(fixture->symbols->mapping_cnt, 2);
	location = fixture__find(fixture, frames[0]);
	mapping = &fixture->symbols->mappings[location->mapping];
	assert_int_equal(location->mapping, fixture__find(fixture, frames[1])->mapping);
	assert_int_equal(mapping->start, vaddr & ~0xfffull);
	assert_int_equal(mapping->offset, offset & ~0xfffull);
	assert_int_equal(mapping->limit, (vaddr + bytes + 0xfff) & ~0xfffull);
	assert_string_equal(mapping->path, path);
	text = command_output("readelf -n %s | sed -n 's/.*Build ID: //p'", path);
	text[strcspn(text, "\n")] = '\0';
	assert_string_equal(mapping->build_id, text);
	free(text);
	location = fixture__find(fixture, frames[2]);
	assert_int_equal(location->line_cnt, 0);
	mapping = &fixture->symbols->mappings[location->mapping];
	assert_true(mapping->start <= 0x7777777000 && 0x7777777000 < mapping->limit);
	assert_false(mapping->has_functions);
	snprintf(want, sizeof(want), "[%s+0x7777777000]", strrchr(path, '/') + 1);
	assert_string_equal(
		symbol_location__name(fixture->symbols, location, buf, sizeof(buf)), want);
	/* Cut short where the buffer ends. */
	assert_int_equal(strlen(symbol_location__name(fixture->symbols, location, buf, 8)), 7);
}

/* A file that cannot be had any more is counted, its addresses stay. */
static void test_lost_file(void **state)
{
	struct fixture *fixture = *state;
	uint64_t frame = file_frame(4711, 0x1234);

	fixture__add(fixture, 1, 1, &frame, 1);
	fixture__resolve(fixture, NULL);
	assert_int_equal(fixture->failed_cnt, 1);
	assert_int_equal(fixture__find(fixture, frame)->line_cnt, 0);
	assert_true(fixture__find(fixture, frame)->mapping != UINT32_MAX);
}

static void test_strings(void **state)
{
	static const char *const cases[][2] = {
		{"plain", "plain"},
		{"a\nb\tc;d", "a?b?c;d"},
		{"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
		{"\xff\xfe", "??"},
		{"\xc3", "?"},
		{"\xc0\xaf", "??"},
		{"\xed\xa0\x80", "???"},
		{"\xf0\x9f\x92\xa9", "\xf0\x9f\x92\xa9"},
		{"\xf4\x90\x80\x80", "????"},
		{"", ""},
	};
	struct symbol_memory *memory = symbol_memory__new();
	char name[16];

	(void)state;
	assert_non_null(memory);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *text = symbol_memory__intern(memory, cases[i][0], strlen(cases[i][0]));

		assert_string_equal(text, cases[i][1]);
		assert_ptr_equal(
			text, symbol_memory__intern(memory, cases[i][1], strlen(cases[i][1])));
	}
	for (unsigned int round = 0; round < 2; round++) {
		static const char *seen[10000];

		for (unsigned int i = 0; i < 10000; i++) {
			const char *text;

			snprintf(name, sizeof(name), "f%u", i);
			text = symbol_memory__intern(memory, name, strlen(name));
			assert_string_equal(text, name);
			assert_true(round == 0 || seen[i] == text);
			seen[i] = text;
		}
	}
	assert_true(symbol_memory__bytes(memory) < 1 << 20);
	assert_non_null(symbol_memory__alloc(memory, 100000));
	symbol_memory__free(memory);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture__setup, fixture__teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_find),
		TEST(test_empty),
		TEST(test_mapping),
		TEST(test_lost_file),
		cmocka_unit_test(test_strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
