// SPDX-License-Identifier: GPL-2.0
/* Demangling: golden names, nm -C as oracle, and names made to explode. */
#include "test_symbol.h"

#include <time.h>

#include "symbol/demangle.h"

static void test_golden(void **state)
{
	static const char *const cases[][2] = {
		{"_ZNSt6vectorIiSaIiEE9push_backERKi",
			"std::vector<int, std::allocator<int> >::push_back(int const&)"},
		{"_ZN4core3fmt9Formatter3pad17h0123456789abcdefE", "core::fmt::Formatter::pad"},
		{"_RNvCs1234_7mycrate3foo", "mycrate::foo"},
		{"_RNvNtCs1234_7mycrate3mod3foo", "mycrate::mod::foo"},
		{"_D3std5stdio12__ModuleInfoZ", "ModuleInfo for std.stdio"},
		{"_D4test3fooFiZv", "test.foo(int)"},
		{"_Dmain", "D main"},
		{"main", ""},
		{"_start", ""},
		{"_Z", ""},
		{"_R", ""},
		{"_ZN", ""},
		{"_ZNSt6vectorIiSaIiEE9push_backERK", ""},
		{"", ""},
	};
	char buf[DEMANGLE_OUTPUT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		size_t len = demangle(cases[i][0], strlen(cases[i][0]), buf, sizeof(buf));

		buf[len] = '\0';
		assert_string_equal(buf, cases[i][1]);
		assert_int_equal(len, strlen(cases[i][1]));
	}
}

/* Every mangled name of a C++ library. */
static void test_oracle(void **state)
{
	const char *const paths[] = {"/usr/lib/x86_64-linux-gnu/libstdc++.so.6",
		"/usr/lib/aarch64-linux-gnu/libstdc++.so.6", NULL};
	const char *path = first_existing(paths);
	char buf[DEMANGLE_OUTPUT_MAX];
	char *text, *line, *save;
	size_t cnt = 0;

	(void)state;
	if (!path)
		skip();
	/* c++filt would spell std::string out; nm -C, addr2line -C and gdb do not. */
	text = command_output("nm -Dp --defined-only --without-symbol-versions %s | cut -c20- > "
			      "/tmp/bpfprof-names.$$; nm -DCp --defined-only "
			      "--without-symbol-versions %s | cut -c20- | paste -d '\t' "
			      "/tmp/bpfprof-names.$$ -; rm /tmp/bpfprof-names.$$",
		path, path);
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *tab = strchr(line, '\t');

		assert_non_null(tab);
		*tab = '\0';
		if (strcmp(line, tab + 1) == 0)
			continue;
		assert_true(demangle(line, strlen(line), buf, sizeof(buf)) > 0);
		assert_string_equal(buf, tab + 1);
		cnt++;
	}
	assert_true(cnt > 1000);
	free(text);
}

/* pair<pair<...>, pair<...>>, doubled with each substitution: 2^60 bytes if it were written out. */
static void test_explosion(void **state)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	char name[DEMANGLE_INPUT_MAX + 2] = "_Z1fSt4pairIiiE", buf[DEMANGLE_OUTPUT_MAX];
	struct timespec start, end;

	(void)state;
	strcat(name, "S_IS0_S0_E");
	for (size_t i = 1; i < 60; i++) {
		char number[8];

		if (i < 36)
			snprintf(number, sizeof(number), "%c", digits[i]);
		else
			snprintf(number, sizeof(number), "1%c", digits[i - 36]);
		sprintf(name + strlen(name), "S_IS%s_S%s_E", number, number);
	}
	clock_gettime(CLOCK_MONOTONIC, &start);
	assert_int_equal(demangle(name, strlen(name), buf, sizeof(buf)), 0);
	clock_gettime(CLOCK_MONOTONIC, &end);
	assert_true(end.tv_sec - start.tv_sec <= 2);
	/* Deep nesting, too long, and a buffer that is too small. */
	memset(name, 'P', sizeof(name));
	memcpy(name, "_Z1f", 4);
	name[DEMANGLE_INPUT_MAX - 1] = 'i';
	demangle(name, DEMANGLE_INPUT_MAX, buf, sizeof(buf));
	assert_int_equal(demangle(name, DEMANGLE_INPUT_MAX + 1, buf, sizeof(buf)), 0);
	assert_int_equal(demangle("_Z3foov", 7, buf, 5), 0);
	assert_int_equal(demangle("_Z3foov", 7, buf, 6), 0);
	assert_int_equal(demangle("_Z3foov", 7, buf, 7), 5);
	assert_string_equal(buf, "foo()");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_oracle),
		cmocka_unit_test(test_explosion),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
