// SPDX-License-Identifier: GPL-2.0
/* Functions of a stripped file are told apart by where they begin, as readelf lists its FDEs. */
#include "test_symbol.h"

#include <inttypes.h>

/* Every FDE of liblzma: an address in its middle belongs to the function that begins there. */
static void test_function_starts(void **state)
{
	struct fixture *fixture = *state;
	const char *path = loaded_object("liblzma");
	char *text = command_output(
		     "readelf --debug-dump=frames %s | sed -n 's/.*FDE.*pc=//p'", path),
	     *line, *rest;
	uint32_t id = fixture__file(fixture, path);
	uint64_t starts[4096], frames[4096];
	size_t cnt = 0, i, unnamed_cnt = 0;

	for (line = strtok_r(text, "\n", &rest); line && cnt < 4096;
		line = strtok_r(NULL, "\n", &rest)) {
		uint64_t start, end;

		assert_int_equal(sscanf(line, "%" PRIx64 "..%" PRIx64, &start, &end), 2);
		starts[cnt] = start;
		frames[cnt++] = file_frame(id, start + (end - start) / 2);
	}
	free(text);
	assert_true(cnt > 100);
	fixture__add(fixture, 1, 1, frames, cnt);
	fixture__resolve(fixture, NULL);
	for (i = 0; i < cnt; i++) {
		const struct symbol_location *location = fixture__find(fixture, frames[i]);
		char name[64], want[64];

		if (location->line_cnt)
			continue;
		unnamed_cnt++;
		assert_int_equal(location->function_start, starts[i]);
		snprintf(want, sizeof(want), "[%s+0x%" PRIx64 "]", strrchr(path, '/') + 1,
			starts[i]);
		assert_string_equal(
			symbol_location__name(fixture->symbols, location, name, sizeof(name)),
			want);
	}
	assert_true(unnamed_cnt > 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_function_starts, fixture__setup, fixture__teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
