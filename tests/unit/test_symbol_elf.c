// SPDX-License-Identifier: GPL-2.0
/* ELF symbol tables and PLT stubs: real files, with nm, addr2line and objdump as oracle. */
#include "test_symbol.h"

#include "symbol/plt.h"

struct nm_symbol {
	uint64_t value, size;
	char type;
	char *name;
};

struct nm {
	char *text;
	struct nm_symbol *symbols; /* code with a size, by value */
	size_t cnt;
	uint64_t longest;
};

static int nm_compare(const void *a, const void *b)
{
	const struct nm_symbol *x = a, *y = b;

	return x->value < y->value ? -1 : x->value > y->value;
}

static void nm__read(struct nm *nm, const char *path)
{
	char *line, *save;

	nm->text = command_output("(nm -S --defined-only %s; nm -D -S --defined-only %s) "
				  "2>/dev/null || true",
		path, path);
	for (line = strtok_r(nm->text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		struct nm_symbol symbol;
		int at;

		if (sscanf(line, "%lx %lx %c %n", &symbol.value, &symbol.size, &symbol.type, &at) !=
				3 ||
			!strchr("tTwWi", symbol.type) || symbol.size == 0)
			continue;
		symbol.name = line + at;
		if (strchr(symbol.name, '@') && strchr(symbol.name, '@') != symbol.name)
			*strchr(symbol.name, '@') = '\0';
		if ((nm->cnt & (nm->cnt - 1)) == 0)
			nm->symbols = reallocarray(
				nm->symbols, nm->cnt ? 2 * nm->cnt : 1, sizeof(symbol));
		assert_non_null(nm->symbols);
		nm->symbols[nm->cnt++] = symbol;
		nm->longest = symbol.size > nm->longest ? symbol.size : nm->longest;
	}
	assert_true(nm->cnt > 0);
	qsort(nm->symbols, nm->cnt, sizeof(*nm->symbols), nm_compare);
}

/* The value of the innermost symbol around address; UINT64_MAX: none. */
static uint64_t nm__function(const struct nm *nm, uint64_t address)
{
	size_t low = 0, high = nm->cnt;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (nm->symbols[middle].value <= address)
			low = middle + 1;
		else
			high = middle;
	}
	while (low-- > 0 && address - nm->symbols[low].value < nm->longest)
		if (address - nm->symbols[low].value < nm->symbols[low].size)
			return nm->symbols[low].value;
	return UINT64_MAX;
}

static bool nm__has(const struct nm *nm, uint64_t value, const char *name, char *ret_type)
{
	for (size_t low = 0, high = nm->cnt; low < high;) {
		size_t middle = (low + high) / 2;

		if (nm->symbols[middle].value < value)
			low = middle + 1;
		else
			high = middle;
		if (low < high)
			continue;
		for (; low < nm->cnt && nm->symbols[low].value == value; low++) {
			if (strcmp(nm->symbols[low].name, name) == 0) {
				*ret_type = nm->symbols[low].type;
				return true;
			}
		}
	}
	return false;
}

static bool nm__has_exported(const struct nm *nm, uint64_t value)
{
	for (size_t i = 0; i < nm->cnt; i++)
		if (nm->symbols[i].value == value && nm->symbols[i].type != 't')
			return true;
	return false;
}

/* The start, middle and last byte of up to a thousand functions, and the byte behind each. */
static size_t choose_frames(const struct nm *nm, uint32_t id, uint64_t frames[4000])
{
	size_t step = nm->cnt / 1000 + 1, cnt = 0;

	for (size_t i = 0; i < nm->cnt && cnt + 4 <= 4000; i += step) {
		const struct nm_symbol *symbol = &nm->symbols[i];

		frames[cnt++] = file_frame(id, symbol->value);
		frames[cnt++] = file_frame(id, symbol->value + symbol->size / 2);
		frames[cnt++] = file_frame(id, symbol->value + symbol->size - 1);
		frames[cnt++] = file_frame(id, symbol->value + symbol->size);
	}
	return cnt;
}

static void check_against_nm(struct fixture *fixture, const char *path)
{
	/* No separate debug files: nm does not look at them. */
	struct symbols_options options = {.debug_dir = "/nonexistent", .dwarf_bytes_max = SIZE_MAX};
	uint64_t frames[4000];
	struct nm nm = {0};
	size_t cnt, named = 0;

	nm__read(&nm, path);
	cnt = choose_frames(&nm, fixture__file(fixture, path), frames);
	fixture__add(fixture, 1, 1, frames, cnt);
	fixture__resolve(fixture, &options);
	for (size_t i = 0; i < cnt; i++) {
		const struct symbol_location *location = fixture__find(fixture, frames[i]);
		uint64_t function = nm__function(&nm, location->address);
		const char *name;
		char type;

		if (function == UINT64_MAX) {
			/* A label without a size or a PLT stub may name it, no function may. */
			if (location->line_cnt && nm__has(&nm, location->address,
							  location->lines[0].system_name, &type))
				fail_msg("%s 0x%lx: unexpected %s", path, location->address,
					location->lines[0].system_name);
			continue;
		}
		if (location->line_cnt != 1)
			fail_msg("%s 0x%lx: no name", path, location->address);
		name = location->lines[0].system_name;
		if (!nm__has(&nm, function, name, &type))
			fail_msg("%s 0x%lx: %s is not at 0x%lx", path, location->address, name,
				function);
		if (type == 't')
			assert_false(nm__has_exported(&nm, function));
		named++;
	}
	assert_true(named * 4 >= cnt * 2);
	assert_int_equal(fixture->failed_cnt, 0);
	free(nm.symbols);
	free(nm.text);
}

static void test_libc(void **state)
{
	check_against_nm(*state, loaded_object("libc.so.6"));
}

static void test_loader(void **state)
{
	check_against_nm(*state, loaded_object("ld-linux"));
}

static void test_self(void **state)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	assert_true(n > 0);
	path[n] = '\0';
	check_against_nm(*state, path);
}

static void test_cpp_library(void **state)
{
	const char *const paths[] = {"/usr/lib/x86_64-linux-gnu/libstdc++.so.6",
		"/usr/lib/aarch64-linux-gnu/libstdc++.so.6", NULL};
	const char *path = first_existing(paths);

	if (!path)
		skip();
	check_against_nm(*state, path);
}

static void test_python(void **state)
{
	const char *const paths[] = {"/usr/bin/python3.11", "/usr/bin/python3", NULL};
	const char *path = first_existing(paths);

	if (!path)
		skip();
	check_against_nm(*state, path);
}

/* What programs call it is the name, not glibc's internal aliases. */
static void test_alias_choice(void **state)
{
	static const char *const names[] = {"malloc", "free", "write", "read", "memcpy", "printf",
		"pthread_create", "getpid", "qsort"};
	struct symbols_options options = {.debug_dir = "/nonexistent", .dwarf_bytes_max = SIZE_MAX};
	const char *path = loaded_object("libc.so.6");
	uint32_t id = fixture__file(*state, path);
	uint64_t frames[9];
	struct nm nm = {0};

	nm__read(&nm, path);
	for (size_t i = 0; i < 9; i++) {
		frames[i] = 0;
		/* memcpy: of its two versions the one for new programs is the last. */
		for (size_t k = 0; k < nm.cnt; k++)
			if (strcmp(nm.symbols[k].name, names[i]) == 0)
				frames[i] = file_frame(id, nm.symbols[k].value);
		assert_true(frames[i] != 0);
	}
	fixture__add(*state, 1, 1, frames, 9);
	fixture__resolve(*state, &options);
	for (size_t i = 0; i < 9; i++)
		assert_string_equal(fixture__find(*state, frames[i])->lines->function, names[i]);
	free(nm.symbols);
	free(nm.text);
}

/* Every stub that objdump labels. */
static void check_plt(struct fixture *fixture, const char *path)
{
	struct symbols_options options = {.debug_dir = "/nonexistent", .dwarf_bytes_max = SIZE_MAX};
	uint32_t id = fixture__file(fixture, path);
	char *text, *copy, *line, *save;
	size_t cnt = 0;

	text = command_output("objdump -d -j .plt -j .plt.sec -j .plt.got %s 2>/dev/null | "
			      "grep '@plt>:$' | tr -d '<>:'",
		path);
	copy = strdup(text);
	assert_non_null(copy);
	for (line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		uint64_t frames[2] = {file_frame(id, strtoul(line, NULL, 16))};

		frames[1] = frames[0] + 5;
		fixture__add(fixture, 1, 1, frames, 2);
	}
	free(copy);
	fixture__resolve(fixture, &options);
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		uint64_t frame = file_frame(id, strtoul(line, NULL, 16));
		const char *name = strchr(line, ' ') + 1;

		for (unsigned int i = 0; i <= 5; i += 5) {
			const struct symbol_location *location = fixture__find(fixture, frame + i);
			char bare[4096];

			if (location->line_cnt != 1)
				fail_msg("%s: no name for %s", path, name);
			/* objdump keeps the version in the name. */
			snprintf(bare, sizeof(bare), "%s", name);
			if (strstr(bare, "@") != strstr(bare, "@plt"))
				strcpy(strchr(bare, '@'), "@plt");
			assert_string_equal(location->lines->system_name, bare);
		}
		cnt++;
	}
	assert_true(cnt > 0);
	free(text);
}

static void test_plt_libc(void **state)
{
	check_plt(*state, loaded_object("libc.so.6"));
}

static void test_plt_program(void **state)
{
	check_plt(*state, "/usr/bin/objdump");
}

static void test_plt_cpp(void **state)
{
	const char *const paths[] = {"/usr/lib/x86_64-linux-gnu/libstdc++.so.6", NULL};
	const char *path = first_existing(paths);

	if (!path)
		skip();
	check_plt(*state, path);
}

/* Encodings from the psABI, as `clang --target=aarch64-linux-gnu` and ld.lld write them. */
static void test_plt_decoders(void **state)
{
	static const struct {
		bool (*decode)(const uint8_t *, size_t, uint64_t, uint64_t, struct plt_target *);
		uint8_t code[24];
		size_t len;
		uint64_t start, pc;
		bool ok, by_index;
		uint64_t target;
	} cases[] = {
		/* jmp *0x2fe2(%rip); push $0; jmp */
		{plt_x86__decode, {0xff, 0x25, 0xe2, 0x2f, 0, 0, 0x68}, 16, 0x1030, 0x1036, true,
			false, 0x4018},
		/* endbr64; bnd jmp *0x2f75(%rip) */
		{plt_x86__decode, {0xf3, 0x0f, 0x1e, 0xfa, 0xf2, 0xff, 0x25, 0x75, 0x2f, 0, 0}, 16,
			0x1050, 0x1054, true, false, 0x3fd0},
		/* endbr64; push $0x102 */
		{plt_x86__decode, {0xf3, 0x0f, 0x1e, 0xfa, 0x68, 0x02, 0x01, 0, 0}, 16, 0x1050,
			0x1054, true, true, 0x102},
		/* push GOT[1]: the header */
		{plt_x86__decode, {0xff, 0x35, 0xe2, 0x2f, 0, 0}, 16, 0x1020, 0x1020, false, false,
			0},
		{plt_x86__decode, {0xf3, 0x0f, 0x1e, 0xfa}, 4, 0x1020, 0x1020, false, false, 0},
		{plt_x86__decode, {0xff, 0x25, 0xe2}, 3, 0x1020, 0x1020, false, false, 0},
		/* adrp x16, +0x1f000; ldr x17, [x16, #0xfb8]; add; br x17 */
		{plt_arm64__decode,
			{0xf0, 0, 0, 0xf0, 0x11, 0xde, 0x47, 0xf9, 0x10, 0xe2, 0x3e, 0x91, 0x20,
				0x02, 0x1f, 0xd6},
			16, 0x600, 0x60c, true, false, 0x1ffb8},
		{plt_arm64__decode, {0}, 16, 0x600, 0x60c, false, false, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct plt_target target = {0};

		assert_int_equal(cases[i].decode(cases[i].code, cases[i].len, cases[i].start,
					 cases[i].pc, &target),
			cases[i].ok);
		assert_int_equal(target.by_index, cases[i].by_index);
		assert_int_equal(target.address, cases[i].target);
	}
}

static void test_vdso(void **state)
{
	struct fixture *fixture = *state;
	struct file_mapping mapping = {.path = "[vdso]", .pid = getpid()};
	uint32_t id = files__intern(fixture->files, &mapping);
	const struct file *file = files__get(fixture->files, id);
	const struct symbol_location *location;
	char path[] = "/tmp/bpfprof-vdso-XXXXXX";
	uint64_t frame;
	char *text;
	FILE *copy;

	if (!file)
		skip();
	copy = fdopen(mkstemp(path), "w");
	assert_non_null(copy);
	assert_int_equal(fwrite(file->image, 1, file->image_bytes, copy), file->image_bytes);
	fclose(copy);
	text = command_output("nm -D %s | grep ' [TW] __.*clock_gettime'", path);
	unlink(path);
	frame = file_frame(id, strtoul(text, NULL, 16) + 1);
	free(text);
	fixture__add(fixture, 1, 1, &frame, 1);
	fixture__resolve(fixture, NULL);
	location = fixture__find(fixture, frame);
	assert_int_equal(location->line_cnt, 1);
	assert_non_null(strstr(location->lines->function, "clock_gettime"));
	assert_string_equal(fixture->symbols->mappings[location->mapping].path, "[vdso]");
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture__setup, fixture__teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_libc),
		TEST(test_loader),
		TEST(test_self),
		TEST(test_cpp_library),
		TEST(test_python),
		TEST(test_alias_choice),
		TEST(test_plt_libc),
		TEST(test_plt_program),
		TEST(test_plt_cpp),
		TEST(test_plt_decoders),
		TEST(test_vdso),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
