// SPDX-License-Identifier: GPL-2.0
/* Perf maps: lines, code that replaces code, whose file may be read. */
#include "test_symbol.h"

#include <errno.h>
#include <fcntl.h>

#include "symbol/perf_map.h"
#include "symbol/perf_map_keep.h"

static void test_lines(void **state)
{
	static const struct {
		const char *line;
		bool ok;
		uint64_t start, bytes;
		const char *name;
	} cases[] = {
		{"7f1c20000a40 1c0 LazyCompile:*fib /srv/fib.js:1:13", true, 0x7f1c20000a40, 0x1c0,
			"LazyCompile:*fib /srv/fib.js:1:13"},
		{"0x7F1C20000A40 0x1C0 a b\r", true, 0x7f1c20000a40, 0x1c0, "a b"},
		{"ffffffffffffffff ffffffffffffffff x", true, UINT64_MAX, UINT64_MAX, "x"},
		{"10 0 x", true, 0x10, 0, "x"},
		{"10  20  x", true, 0x10, 0x20, "x"},
		{"10 20 ", false, 0, 0, ""},
		{"10 20", false, 0, 0, ""},
		{"10", false, 0, 0, ""},
		{"", false, 0, 0, ""},
		{" 10 20 x", false, 0, 0, ""},
		{"1g 20 x", false, 0, 0, ""},
		{"10000000000000000 20 x", false, 0, 0, ""},
		{"# comment", false, 0, 0, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct perf_map_entry entry = {.name = ""};

		if (perf_map_entry__parse(cases[i].line, strlen(cases[i].line), &entry) !=
			cases[i].ok)
			fail_msg("'%s'", cases[i].line);
		assert_true(entry.start == cases[i].start && entry.bytes == cases[i].bytes);
		assert_int_equal(entry.name_len, strlen(cases[i].name));
		assert_memory_equal(entry.name, cases[i].name, entry.name_len);
	}
}

static void map_path(char path[64])
{
	snprintf(path, 64, "/tmp/perf-%d.map", getpid());
}

static void write_map(const char *text)
{
	char path[64];
	FILE *file;

	map_path(path);
	file = fopen(path, "we");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static const char *name_of(struct fixture *fixture, uint64_t address, uint32_t pid)
{
	const struct symbol_location *location = symbols__find(fixture->symbols, address, pid, 0);

	assert_non_null(location);
	return location->line_cnt ? location->lines->function : "";
}

static void test_names(void **state)
{
	static const uint64_t frames[] = {0xfff, 0x1000, 0x10ff, 0x1100, 0x2000, 0x2050, 0x3000};
	struct fixture *fixture = *state;
	char path[64];

	write_map("1000 100 first\n2000 100 old code\nnonsense\n2040 20 new\tcode\n"
		  "3000 10 _ZN3foo3barEv\n3000 10 cut off without its newline");
	fixture__add(fixture, getpid(), 0, frames, 7);
	/* A process without a map, of the same addresses. */
	fixture__add(fixture, 1, 0, frames, 7);
	fixture__resolve(fixture, NULL);
	map_path(path);
	unlink(path);
	assert_string_equal(name_of(fixture, 0xfff, getpid()), "");
	assert_string_equal(name_of(fixture, 0x1000, getpid()), "first");
	assert_string_equal(name_of(fixture, 0x10ff, getpid()), "first");
	assert_string_equal(name_of(fixture, 0x1100, getpid()), "");
	assert_string_equal(name_of(fixture, 0x2000, getpid()), "old code");
	assert_string_equal(name_of(fixture, 0x2050, getpid()), "new?code");
	assert_string_equal(name_of(fixture, 0x3000, getpid()), "foo::bar()");
	assert_string_equal(name_of(fixture, 0x1000, 1), "");
}

static void test_trust(void **state)
{
	char path[64], other[] = "/tmp/bpfprof-other-XXXXXX";
	int fd;

	(void)state;
	map_path(path);
	unlink(path);
	assert_int_equal(perf_map__open("/proc", getpid(), 0), -ENOENT);
	write_map("1000 100 x\n");
	fd = perf_map__open("/proc", getpid(), 0);
	assert_return_code(fd, 0);
	close(fd);
	/* Not the process that the sample was taken of. */
	assert_int_equal(perf_map__open("/proc", getpid(), 1), -ESRCH);
	if (geteuid() == 0) {
		assert_return_code(chown(path, 12345, 12345), 0);
		assert_int_equal(perf_map__open("/proc", getpid(), 0), -EPERM);
	}
	unlink(path);
	fd = mkstemp(other);
	close(fd);
	assert_return_code(symlink(other, path), 0);
	assert_int_equal(perf_map__open("/proc", getpid(), 0), -ELOOP);
	unlink(path);
	unlink(other);
	assert_return_code(mkfifo(path, 0600), 0);
	assert_int_equal(perf_map__open("/proc", getpid(), 0), -EPERM);
	unlink(path);
	assert_return_code(mkdir(path, 0700), 0);
	assert_int_equal(perf_map__open("/proc", getpid(), 0), -EPERM);
	rmdir(path);
}

/* In its own pid and mount namespace: pid 1 there, and a /tmp of its own. */
static void test_namespace(void **state)
{
	struct fixture *fixture = *state;
	uint64_t frame = 0x1000;
	uint32_t pid;
	char *text;

	if (geteuid() != 0)
		skip();
	text = command_output("unshare -mpf --mount-proc sh -c 'mount -t tmpfs none /tmp && "
			      "echo 1000 10 inside > /tmp/perf-1.map && exec sleep 20' "
			      ">/dev/null 2>&1 & sleep 0.5; pgrep -P $! | head -1");
	pid = strtoul(text, NULL, 10);
	free(text);
	if (pid == 0)
		skip();
	fixture__add(fixture, pid, 0, &frame, 1);
	fixture__resolve(fixture, NULL);
	free(command_output("kill -9 %u", pid));
	assert_string_equal(name_of(fixture, 0x1000, pid), "inside");
}

/* What was opened while it was there is read when it is gone, from its begin each time; no other process's. */
static void test_kept(void **state)
{
	struct perf_maps *maps = perf_maps__new("/proc");
	char path[64], text[16] = "";
	int fd, i;

	(void)state;
	assert_non_null(maps);
	map_path(path);
	unlink(path);
	perf_maps__see(maps, getpid(), 0, 1);
	assert_int_equal(perf_maps__open(maps, getpid(), 0), -ENOENT);
	write_map("1000 100 x\n");
	perf_maps__see(maps, getpid(), 0, 2); /* too soon to look again */
	assert_int_equal(perf_maps__open(maps, getpid(), 0), -ENOENT);
	perf_maps__see(maps, getpid(), 0, 2000000000);
	unlink(path);
	for (i = 0; i < 2; i++) {
		fd = perf_maps__open(maps, getpid(), 0);
		assert_return_code(fd, 0);
		assert_int_equal(read(fd, text, sizeof(text) - 1), 11);
		assert_string_equal(text, "1000 100 x\n");
		close(fd);
	}
	assert_int_equal(perf_maps__open(maps, getpid(), 5), -ENOENT);
	assert_int_equal(perf_maps__open(maps, 0, 0), -ENOENT);
	assert_int_equal(perf_maps__open(NULL, getpid(), 0), -ENOENT);
	/* Others that come later make it go. */
	for (i = 1; i <= PERF_MAPS_KEPT_MAX; i++)
		perf_maps__see(maps, getpid(), UINT64_MAX - i, 3000000000ull + i);
	assert_int_equal(perf_maps__open(maps, getpid(), 0), -ENOENT);
	perf_maps__free(maps);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture__setup, fixture__teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_lines),
		TEST(test_names),
		TEST(test_trust),
		TEST(test_namespace),
		TEST(test_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
