// SPDX-License-Identifier: GPL-2.0
/* /proc/kallsyms: lines, the choice among aliases, modules, and hidden addresses. */
#include "test_symbol.h"

#include "symbol/kallsyms.h"

static void test_lines(void **state)
{
	static const struct {
		const char *line;
		bool ok;
		uint64_t address;
		char type;
		const char *name, *module;
	} cases[] = {
		{"ffffffff81000000 T _text", true, 0xffffffff81000000, 'T', "_text", ""},
		{"ffffffffc0201000 t nf_hook\t[nf_conntrack]", true, 0xffffffffc0201000, 't',
			"nf_hook", "nf_conntrack"},
		{"0 A x", true, 0, 'A', "x", ""},
		{"ffffffffc00 t bpf_prog_6deef7357e7b4530_sd_fw\t[bpf]", true, 0xffffffffc00, 't',
			"bpf_prog_6deef7357e7b4530_sd_fw", "bpf"},
		{"", false, 0, 0, "", ""},
		{" T x", false, 0, 0, "", ""},
		{"ffffffff81000000", false, 0, 0, "", ""},
		{"ffffffff81000000 T", false, 0, 0, "", ""},
		{"ffffffff81000000 T ", false, 0, 0, "", ""},
		{"ffffffff81000000 TT x", false, 0, 0, "", ""},
		{"ffffffff810000000 T x", false, 0, 0, "", ""},
		{"fffffffg81000000 T x", false, 0, 0, "", ""},
		{"ffffffff81000000 T \t[m]", false, 0, 0, "", ""},
		{"ffffffff81000000 T x\tm", false, 0, 0, "", ""},
		{"ffffffff81000000 T x\t[]", false, 0, 0, "", ""},
		{"ffffffff81000000 T x\t[", false, 0, 0, "", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct kallsym symbol = {.name = "", .module = ""};

		if (kallsym__parse(cases[i].line, strlen(cases[i].line), &symbol) != cases[i].ok)
			fail_msg("'%s'", cases[i].line);
		assert_int_equal(symbol.address, cases[i].address);
		assert_int_equal(symbol.type, cases[i].type);
		assert_int_equal(symbol.name_len, strlen(cases[i].name));
		assert_memory_equal(symbol.name, cases[i].name, symbol.name_len + 0);
		assert_int_equal(symbol.module_len, strlen(cases[i].module));
		assert_memory_equal(symbol.module, cases[i].module, symbol.module_len);
	}
}

static uint64_t kernel_frame(uint64_t address)
{
	return (address & ~FRAME_FILE) | FRAME_KERNEL;
}

/* Resolves addresses against a list; names[i] NULL: none expected. */
static void check(struct fixture *fixture, const char *list, const uint64_t *addresses,
	const char *const *names, const char *const *mappings, size_t cnt)
{
	char path[] = "/tmp/bpfprof-kallsyms-XXXXXX";
	struct symbols_options options = {.kallsyms_path = path};
	int fd = mkstemp(path);

	assert_return_code(fd, 0);
	assert_int_equal(write(fd, list, strlen(list)), strlen(list));
	close(fd);
	for (size_t i = 0; i < cnt; i++) {
		uint64_t frame = kernel_frame(addresses[i]);

		fixture__add(fixture, 1, 1, &frame, 1);
	}
	fixture__resolve(fixture, &options);
	unlink(path);
	for (size_t i = 0; i < cnt; i++) {
		const struct symbol_location *location = fixture__find(
			fixture, kernel_frame(addresses[i]));

		assert_int_equal(location->address, addresses[i]);
		if (!names[i]) {
			if (location->line_cnt)
				fail_msg("%lx is %s", addresses[i], location->lines->function);
		} else {
			assert_int_equal(location->line_cnt, 1);
			assert_string_equal(location->lines->function, names[i]);
		}
		assert_true(location->mapping < fixture->symbols->mapping_cnt);
		assert_string_equal(
			fixture->symbols->mappings[location->mapping].path, mappings[i]);
	}
}

static void test_choice(void **state)
{
	static const char list[] = "ffffffff81000000 T _stext\n"
				   "ffffffff81000000 T _text\n"
				   "ffffffff81000100 t local_alias\n"
				   "ffffffff81000100 T __global_alias\n"
				   "ffffffff81000100 T global_alias\n"
				   "ffffffff81000100 D data_alias\n"
				   "ffffffff81000200 W weak\n"
				   "ffffffff81000200 t a\n"
				   "ffffffff81000300 d data\n"
				   "ffffffff81000400 t b2\n"
				   "ffffffff81000400 t b1\n"
				   "ffffffff81000500 T last\n"
				   "ffffffff82000000 T _etext\n"
				   "ffffffff83000000 B bss\n"
				   "ffffffffc0201000 t mod_a\t[nf_a]\n"
				   "ffffffffc0201080 t mod_b\t[nf_a]\n"
				   "ffffffffc0101000 t other\t[nf_b]\n"
				   "ffffffffc0301000 t bpf_prog_12_x\t[bpf]\n";
	static const uint64_t addresses[] = {0xffffffff81000000, 0xffffffff810000ff,
		0xffffffff81000100, 0xffffffff81000180, 0xffffffff81000200, 0xffffffff81000300,
		0xffffffff81000410, 0xffffffff81000600, 0xffffffff81600000, 0xffffffff83000010,
		0xffffffffc0101010, 0xffffffffc0201000, 0xffffffffc0201090, 0xffffffffc0301001,
		0xffffffff80ffffff};
	static const char *const names[] = {"_text", "_text", "global_alias", "global_alias",
		"weak", NULL, "b1", "last", NULL, NULL, "other", "mod_a", "mod_b", "bpf_prog_12_x",
		NULL};
	static const char kernel[] = "[kernel.kallsyms]";
	static const char *const mappings[] = {kernel, kernel, kernel, kernel, kernel, kernel,
		kernel, kernel, kernel, kernel, "[nf_b]", "[nf_a]", "[nf_a]", "[bpf]", kernel};
	struct fixture *fixture = *state;
	const struct symbol_location *location;

	check(fixture, list, addresses, names, mappings, 15);
	assert_null(fixture->symbols->kernel_reason);
	location = fixture__find(fixture, kernel_frame(addresses[0]));
	assert_int_equal(fixture->symbols->mappings[location->mapping].start, 0xffffffff81000000);
	assert_int_equal(fixture->symbols->mappings[location->mapping].limit, 0xffffffff82000000);
	location = fixture__find(fixture, kernel_frame(addresses[11]));
	assert_int_equal(fixture->symbols->mappings[location->mapping].start, 0xffffffffc0201000);
	assert_int_equal(fixture->symbols->mappings[location->mapping].limit, 0xffffffffc0202000);
	assert_true(fixture->symbols->mappings[location->mapping].has_functions);
	assert_false(fixture->symbols->mappings[location->mapping].has_filenames);
}

static void test_hidden(void **state)
{
	static const char list[] = "0000000000000000 T _text\n0000000000000000 T do_idle\n";
	static const uint64_t address = 0xffffffff81000000;
	static const char *const name = NULL, *const mapping = "[kernel.kallsyms]";
	struct fixture *fixture = *state;

	check(fixture, list, &address, &name, &mapping, 1);
	assert_non_null(fixture->symbols->kernel_reason);
	assert_non_null(strstr(fixture->symbols->kernel_reason, "kptr_restrict"));
}

static void test_hostile(void **state)
{
	static const uint64_t addresses[] = {0xffffffff81000000, 0xffffffff81000001};
	static const char *const names[] = {"ok", "ok"};
	static const char *const mappings[] = {"[kernel.kallsyms]", "[kernel.kallsyms]"};
	const size_t size = 300000;
	char *list = malloc(size + 64);

	/* A line of 300,000 bytes is skipped, what follows it is not. */
	assert_non_null(list);
	memset(list, 'f', size);
	strcpy(list + size, "\nffffffff81000000 T ok\nffffffff90000000 T");
	check(*state, list, addresses, names, mappings, 2);
	free(list);
}

static void test_missing(void **state)
{
	struct symbols_options options = {.kallsyms_path = "/nonexistent"};
	struct fixture *fixture = *state;
	uint64_t frame = kernel_frame(0xffffffff81000000);

	fixture__add(fixture, 1, 1, &frame, 1);
	fixture__resolve(fixture, &options);
	assert_non_null(fixture->symbols->kernel_reason);
	assert_int_equal(fixture__find(fixture, frame)->line_cnt, 0);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture__setup, fixture__teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_lines),
		TEST(test_choice),
		TEST(test_hidden),
		TEST(test_hostile),
		TEST(test_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
