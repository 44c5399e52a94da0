// SPDX-License-Identifier: GPL-2.0
/* Go programs, stripped: names and lines as `go tool addr2line` has them, calls inlined as
 * written. */
#include "test_symbol.h"

#include <inttypes.h>

static char dir[] = "/tmp/bpfprof-go-XXXXXX";

static const char source[] = "package main\n\nimport (\n\t\"fmt\"\n\t\"os\"\n\t\"sort\"\n)\n\n"
			     "func leaf(x int) int {\n\treturn x*x + len(os.Args)\n}\n\n"
			     "func middle(x int) int {\n\treturn leaf(x) + 1\n}\n\n"
			     "//go:noinline\nfunc outer(x int) int {\n\treturn middle(x) * 3\n}\n\n"
			     "func main() {\n\tv := []int{outer(1), outer(2)}\n\tsort.Ints(v)\n"
			     "\tfmt.Println(v)\n}\n";

static int group_setup(void **state)
{
	char path[256];
	FILE *file;

	(void)state;
	if (system("go version > /dev/null 2>&1") != 0)
		return 0;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/x.go", dir);
	file = fopen(path, "we");
	assert_non_null(file);
	fputs(source, file);
	fclose(file);
	free(command_output("cd %s && export CGO_ENABLED=0 GOFLAGS= GOTOOLCHAIN=local && "
			    "go build -o exe x.go && go build -ldflags=-s -o exe-s x.go && "
			    "go build -buildmode=pie -o pie x.go && "
			    "go build -buildmode=pie -ldflags=-s -o pie-s x.go 2>&1",
		dir));
	return 0;
}

static int group_teardown(void **state)
{
	(void)state;
	if (!strstr(dir, "XXXXXX"))
		free(command_output("rm -r %s", dir));
	return 0;
}

/* The frames of 1,000 functions of a program, some bytes into them. */
static size_t choose_frames(const char *name, uint32_t id, uint64_t frames[2000])
{
	char *text, *line, *save;
	size_t cnt = 0;

	text = command_output("nm -S %s/%s | awk '$3 ~ /[tT]/ && NF == 4 { if (n++ %% 2 == 0 && "
			      "n < 2000) print $1, $2 }'",
		dir, name);
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		uint64_t address, bytes;

		assert_int_equal(sscanf(line, "%" SCNx64 " %" SCNx64, &address, &bytes), 2);
		if (bytes > 0)
			frames[cnt++] = file_frame(id, address + bytes / 3);
	}
	free(text);
	assert_true(cnt > 500);
	return cnt;
}

static void check_go(struct fixture *fixture, const char *name)
{
	char path[256], addresses[256];
	uint64_t frames[2000];
	char *text, *line, *save;
	size_t cnt, inlined = 0;
	FILE *file;

	if (strstr(dir, "XXXXXX"))
		skip();
	snprintf(path, sizeof(path), "%s/%s-s", dir, name);
	snprintf(addresses, sizeof(addresses), "%s/addresses", dir);
	cnt = choose_frames(name, fixture__file(fixture, path), frames);
	fixture__add(fixture, 1, 1, frames, cnt);
	fixture__resolve(fixture, NULL);
	assert_int_equal(fixture->failed_cnt, 0);
	file = fopen(addresses, "we");
	assert_non_null(file);
	for (size_t i = 0; i < cnt; i++)
		fprintf(file, "0x%" PRIx64 "\n", (uint64_t)(frames[i] & FRAME_ADDR_MASK));
	fclose(file);
	text = command_output("go tool addr2line %s/%s < %s", dir, name, addresses);
	line = strtok_r(text, "\n", &save);
	for (size_t i = 0; i < cnt; i++) {
		const struct symbol_location *location = fixture__find(fixture, frames[i]);
		const char *function = line, *place = strtok_r(NULL, "\n", &save);
		char want[4096];

		assert_non_null(place);
		if (location->line_cnt == 0)
			fail_msg("0x%lx: no name for %s", location->address, function);
		/* It tells the function of the code, and the line of what is inlined there. */
		snprintf(want, sizeof(want), "%s:%u", location->lines->file, location->lines->line);
		if (strcmp(place, ":-1") == 0)
			assert_int_equal(location->lines->line, 0);
		else
			assert_string_equal(want, place);
		snprintf(
			want, sizeof(want), "%s", location->lines[location->line_cnt - 1].function);
		/* The table leaves out type arguments and ABI names. */
		if (!strstr(want, "[...]") && !strstr(function, ".abi0"))
			assert_string_equal(want, function);
		inlined += location->line_cnt > 1;
		line = strtok_r(NULL, "\n", &save);
	}
	assert_true(inlined > 50);
	free(text);
}

static void test_fixed(void **state)
{
	check_go(*state, "exe");
}

static void test_pie(void **state)
{
	check_go(*state, "pie");
}

/* main.outer <- main.middle <- main.leaf, each with its line of the source. */
static void test_inlined(void **state)
{
	struct fixture *fixture = *state;
	char path[256], *text, *line, *save;
	const struct symbol_location *location = NULL;
	uint64_t frame = 0;
	uint32_t id;

	if (strstr(dir, "XXXXXX"))
		skip();
	snprintf(path, sizeof(path), "%s/exe-s", dir);
	id = fixture__file(fixture, path);
	text = command_output(
		"go tool objdump -s '^main.outer$' %s/exe | awk '/x.go:10/ { print $2 }'", dir);
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		frame = file_frame(id, strtoull(line, NULL, 16));
		fixture__add(fixture, 1, 1, &frame, 1);
	}
	free(text);
	fixture__resolve(fixture, NULL);
	location = fixture__find(fixture, frame);
	assert_int_equal(location->line_cnt, 3);
	assert_string_equal(location->lines[0].function, "main.leaf");
	assert_int_equal(location->lines[0].line, 10);
	assert_int_equal(location->lines[0].start_line, 9);
	assert_string_equal(location->lines[1].function, "main.middle");
	assert_int_equal(location->lines[1].line, 14);
	assert_string_equal(location->lines[2].function, "main.outer");
	assert_int_equal(location->lines[2].line, 19);
	assert_non_null(strstr(location->lines[2].file, "/x.go"));
	assert_true(fixture->symbols->mappings[location->mapping].has_inline_frames);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture__setup, fixture__teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_fixed),
		TEST(test_pie),
		TEST(test_inlined),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
