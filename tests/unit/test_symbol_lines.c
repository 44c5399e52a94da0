// SPDX-License-Identifier: GPL-2.0
/* Lines and inlined calls of a C++ program: its own DWARF, separate and packed files, broken
 * copies. */
#include "test_symbol.h"

#include <inttypes.h>
#include <time.h>

#include "symbol/demangle.h"

static char dir[] = "/tmp/bpfprof-lines-XXXXXX";

static const char source[] =
	"#include <map>\n#include <string>\n#include <vector>\n#include <algorithm>\n"
	"#include <cstdio>\n"
	"template <class T> static inline T square(T x) { return x * x; }\n"
	"static __attribute__((noinline)) int sorted(std::vector<int> &v) {\n"
	" std::sort(v.begin(), v.end(), [](int a, int b) { return square(a) < square(b); });\n"
	" return v[0]; }\n"
	"int main(int argc, char **) { std::map<std::string, int> m; std::vector<int> v;\n"
	" for (int i = 0; i < argc * 100; i++) { m[std::to_string(i)] += square(i);\n"
	"  v.push_back(m.size() - i); }\n"
	" return std::printf(\"%d\\n\", sorted(v)) < 0; }\n";

static int group_setup(void **state)
{
	char path[256];
	FILE *file;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/x.cc", dir);
	file = fopen(path, "we");
	assert_non_null(file);
	fputs(source, file);
	fclose(file);
	/* full; stripped with a link; stripped without; stripped with packed symbols */
	free(command_output(
		"cd %s && c++ -O2 -g -o full x.cc -Wl,--build-id && objcopy --only-keep-debug full "
		"stripped.debug && strip -o stripped full && "
		"objcopy --add-gnu-debuglink=stripped.debug stripped && strip -o bare full && "
		"id=$(readelf -n full | sed -n 's/.*Build ID: //p') && "
		"mkdir -p debug/.build-id/$(echo $id | cut -c1-2) && cp stripped.debug "
		"debug/.build-id/$(echo $id | cut -c1-2)/$(echo $id | cut -c3-).debug && "
		"strip -g -o symbols full && objcopy --only-keep-debug symbols mini && "
		"rm -f mini.xz && xz -k mini && "
		"objcopy --add-section .gnu_debugdata=mini.xz bare packed",
		dir));
	return 0;
}

static int group_teardown(void **state)
{
	(void)state;
	free(command_output("rm -r %s", dir));
	return 0;
}

/* Every 7th byte of .text and of .text.unlikely. */
static size_t add_frames(struct fixture *fixture, uint32_t id, uint64_t frames[4096])
{
	uint64_t address, bytes;
	size_t cnt = 0;
	char *text, *line, *save;

	text = command_output("readelf -SW %s/full | grep ' .text' | sed 's/.*PROGBITS *//' | "
			      "awk '{ print $1, $3 }'",
		dir);
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		assert_int_equal(sscanf(line, "%" SCNx64 " %" SCNx64, &address, &bytes), 2);
		for (uint64_t i = 0; i < bytes && cnt < 4096; i += 7)
			frames[cnt++] = file_frame(id, address + i);
	}
	free(text);
	assert_true(cnt > 100);
	fixture__add(fixture, 1, 1, frames, cnt);
	return cnt;
}

/* binutils' addr2line 2.40 is no oracle: it mixes up files of DWARF 5, and names a static inlined
 * function after the outer one. */
static void check_lines(struct fixture *fixture, const char *name, const char *debug_dir)
{
	struct symbols_options options = {.debug_dir = debug_dir};
	char path[256], addresses[256];
	uint64_t frames[4096];
	size_t cnt, inlined = 0, with_line = 0, square_cnt = 0;
	char *text, *line, *save;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	snprintf(addresses, sizeof(addresses), "%s/addresses", dir);
	cnt = add_frames(fixture, fixture__file(fixture, path), frames);
	fixture__resolve(fixture, &options);
	assert_int_equal(fixture->failed_cnt, 0);
	file = fopen(addresses, "we");
	assert_non_null(file);
	for (size_t i = 0; i < cnt; i++)
		fprintf(file, "0x%" PRIx64 "\n", (uint64_t)(frames[i] & FRAME_ADDR_MASK));
	fclose(file);
	text = command_output("llvm-addr2line -a -i -f -e %s/full < %s", dir, addresses);
	line = strtok_r(text, "\n", &save);
	for (size_t i = 0; i < cnt; i++) {
		const struct symbol_location *location = fixture__find(fixture, frames[i]);

		assert_int_equal(strtoull(line, NULL, 16), location->address);
		line = strtok_r(NULL, "\n", &save);
		for (uint32_t k = 0; line && strncmp(line, "0x", 2) != 0; k++) {
			char *function = line, *place = strtok_r(NULL, "\n", &save);
			const struct symbol_line *ours = &location->lines[k];
			char want[4096], plain[DEMANGLE_OUTPUT_MAX];

			line = strtok_r(NULL, "\n", &save);
			assert_non_null(place);
			place[strcspn(place, " ")] = '\0'; /* (discriminator 2) */
			if (strcmp(function, "??") == 0 || location->line_cnt == 0) {
				/* Between functions it guesses neither. */
				assert_int_equal(location->line_cnt, 0);
				assert_string_equal(function, "??");
				continue;
			}
			if (k >= location->line_cnt)
				fail_msg("0x%lx: no %s", location->address, function);
			snprintf(want, sizeof(want), "%s:%u", ours->file ? ours->file : "??",
				ours->line);
			if (strcmp(place + strlen(place) - 2, ":0") != 0)
				assert_string_equal(want, place);
			else
				assert_int_equal(ours->line, 0);
			/* A constructor has two names for the linker, often at one address. */
			if (demangle(function, strlen(function), plain, sizeof(plain)) == 0)
				snprintf(plain, sizeof(plain), "%s", function);
			assert_string_equal(ours->function, plain);
			square_cnt += strcmp(ours->function, "square<int>") == 0;
			inlined += k > 0;
			with_line += k == 0;
		}
	}
	free(text);
	assert_true(inlined > 50);
	assert_true(square_cnt > 0);
	assert_true(with_line > 100);
}

static void test_own(void **state)
{
	check_lines(*state, "full", "/nonexistent");
}

static void test_debug_link(void **state)
{
	check_lines(*state, "stripped", "/nonexistent");
}

static void test_build_id(void **state)
{
	char debug_dir[256];

	snprintf(debug_dir, sizeof(debug_dir), "%s/debug", dir);
	check_lines(*state, "bare", debug_dir);
}

/* Another program's debug file beside it is not its own. */
static void test_wrong_link(void **state)
{
	struct fixture *fixture = *state;
	struct symbols_options options = {.debug_dir = "/nonexistent"};
	uint64_t frames[4096];
	char path[256];
	size_t cnt;

	free(command_output("mkdir -p %s/wrong && cp %s/stripped %s/wrong && "
			    "cp /bin/true %s/wrong/stripped.debug",
		dir, dir, dir, dir));
	snprintf(path, sizeof(path), "%s/wrong/stripped", dir);
	cnt = add_frames(fixture, fixture__file(fixture, path), frames);
	fixture__resolve(fixture, &options);
	for (size_t i = 0; i < cnt; i++)
		assert_int_equal(fixture__find(fixture, frames[i])->line_cnt, 0);
}

static void test_packed(void **state)
{
	struct fixture *fixture = *state;
	struct symbols_options options = {.debug_dir = "/nonexistent"};
	uint64_t frame;
	char path[256];
	char *text;

	text = command_output("nm %s/full | grep ' t .*sorted' | head -1", dir);
	snprintf(path, sizeof(path), "%s/packed", dir);
	frame = file_frame(fixture__file(fixture, path), strtoull(text, NULL, 16) + 4);
	free(text);
	fixture__add(fixture, 1, 1, &frame, 1);
	fixture__resolve(fixture, &options);
	assert_int_equal(fixture__find(fixture, frame)->line_cnt, 1);
	assert_non_null(strstr(fixture__find(fixture, frame)->lines->function, "sorted("));
}

static void test_flags(void **state)
{
	struct fixture *fixture = *state;
	struct symbols_options options = {.debug_dir = "/nonexistent"};
	uint64_t frame;
	char path[256];
	char *text;
	const struct symbol_mapping *mapping;
	const struct symbol_location *location;

	text = command_output("nm %s/full | grep ' T main'", dir);
	snprintf(path, sizeof(path), "%s/full", dir);
	frame = file_frame(fixture__file(fixture, path), strtoull(text, NULL, 16) + 4);
	free(text);
	fixture__add(fixture, 1, 1, &frame, 1);
	fixture__resolve(fixture, &options);
	mapping = &fixture->symbols->mappings[fixture__find(fixture, frame)->mapping];
	assert_true(mapping->has_functions && mapping->has_filenames);
	assert_true(mapping->has_line_numbers && mapping->has_inline_frames);
	location = fixture__find(fixture, frame);
	assert_string_equal(location->lines[location->line_cnt - 1].function, "main");
	assert_int_equal(location->lines[location->line_cnt - 1].start_line, 10);
}

/* 30 copies with bytes changed all over, and cut ones: names or none, in bounded time. */
static void test_corrupted(void **state)
{
	struct fixture *fixture = *state;
	struct symbols_options options = {.debug_dir = "/nonexistent", .dwarf_ms_max = 2000};
	struct timespec start, end;
	uint64_t frames[4096];
	unsigned int seed = 1;
	char path[256];

	clock_gettime(CLOCK_MONOTONIC, &start);
	for (unsigned int i = 0; i < 30; i++) {
		FILE *file;
		long size;

		/* without its build id, by which all copies would be one file */
		free(command_output(
			"objcopy -R .note.gnu.build-id %s/full %s/broken%u", dir, dir, i));
		snprintf(path, sizeof(path), "%s/broken%u", dir, i);
		file = fopen(path, "r+");
		assert_non_null(file);
		fseek(file, 0, SEEK_END);
		size = ftell(file);
		for (unsigned int k = 0; k < 20 + 40 * i; k++) {
			/* The ELF header stays, so that there is something to read. */
			fseek(file, 4096 + rand_r(&seed) % (size - 4096), SEEK_SET);
			fputc(rand_r(&seed) & 255, file);
		}
		fclose(file);
		if (i % 10 == 9)
			assert_return_code(truncate(path, size / 2), 0);
		add_frames(fixture, fixture__file(fixture, path), frames);
	}
	fixture__resolve(fixture, &options);
	clock_gettime(CLOCK_MONOTONIC, &end);
	assert_true(end.tv_sec - start.tv_sec < 100);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture__setup, fixture__teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_own),
		TEST(test_debug_link),
		TEST(test_build_id),
		TEST(test_wrong_link),
		TEST(test_packed),
		TEST(test_flags),
		TEST(test_corrupted),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
