// SPDX-License-Identifier: GPL-2.0
/* Lines of /proc/PID/maps and /proc/PID/stat, as the kernel writes them and as a process would like them to be. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "process/proc.h"

static const struct {
	const char *line;
	struct proc_mapping mapping;
} golden[] = {
	{"55b4c8e4a000-55b4c8e4c000 r-xp 00002000 fe:01 1835046                    /usr/bin/cat\n",
		{.start = 0x55b4c8e4a000,
			.end = 0x55b4c8e4c000,
			.offset = 0x2000,
			.ino = 1835046,
			.is_exec = true,
			.path = "/usr/bin/cat"}},
	{"7f0e3c000000-7f0e3c021000 rw-p 00000000 00:00 0 \n",
		{.start = 0x7f0e3c000000, .end = 0x7f0e3c021000, .path = ""}},
	{"7f0e3c000000-7f0e3c021000 rwxp 00000000 00:00 0\n",
		{.start = 0x7f0e3c000000, .end = 0x7f0e3c021000, .is_exec = true, .path = ""}},
	{"7ffc6d7f4000-7ffc6d7f6000 r-xp 00000000 00:00 0                          [vdso]",
		{.start = 0x7ffc6d7f4000,
			.end = 0x7ffc6d7f6000,
			.is_exec = true,
			.path = "[vdso]"}},
	{"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n",
		{.start = 0xffffffffff600000,
			.end = 0xffffffffff601000,
			.is_exec = true,
			.path = "[vsyscall]"}},
	{"400000-401000 r-xp 00000000 fe:01 12     /tmp/a (deleted)\n", {.start = 0x400000,
										.end = 0x401000,
										.ino = 12,
										.is_exec = true,
										.path = "/tmp/a",
										.deleted = true}},
	{"400000-401000 r-xp 00000000 fe:01 12     /tmp/with two  spaces \n",
		{.start = 0x400000,
			.end = 0x401000,
			.ino = 12,
			.is_exec = true,
			.path = "/tmp/with two  spaces "}},
	{"400000-401000 r-xp 00000000 fe:01 12     /tmp/a\\012b (deleted)\n",
		{.start = 0x400000,
			.end = 0x401000,
			.ino = 12,
			.is_exec = true,
			.path = "/tmp/a\nb",
			.deleted = true}},
	{"400000-401000 r-xp 00000000 fe:01 12     (deleted)\n", {.start = 0x400000,
									 .end = 0x401000,
									 .ino = 12,
									 .is_exec = true,
									 .path = "(deleted)"}},
	{"400000-401000 r-xp 00000000 fe:01 12     /tmp/end\\01\n",
		{.start = 0x400000,
			.end = 0x401000,
			.ino = 12,
			.is_exec = true,
			.path = "/tmp/end\\01"}},
	{"400000-401000 r-xp 00000000 fe:01 12     /tmp/end\\\n", {.start = 0x400000,
									  .end = 0x401000,
									  .ino = 12,
									  .is_exec = true,
									  .path = "/tmp/end\\"}},
	{"400000-401000 r-xp ffffffff000 fe:01 18446744073709551615 /x\n",
		{.start = 0x400000,
			.end = 0x401000,
			.offset = 0xffffffff000,
			.ino = UINT64_MAX,
			.is_exec = true,
			.path = "/x"}},
};

static void maps_lines_parse(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(golden) / sizeof(golden[0]); i++) {
		const struct proc_mapping *want = &golden[i].mapping;
		struct proc_mapping got;
		char *line = strdup(golden[i].line);

		assert_int_equal(proc_mapping__parse(line, &got), 0);
		assert_int_equal(got.start, want->start);
		assert_int_equal(got.end, want->end);
		assert_int_equal(got.offset, want->offset);
		assert_int_equal(got.ino, want->ino);
		assert_int_equal(got.is_exec, want->is_exec);
		assert_int_equal(got.deleted, want->deleted);
		assert_string_equal(got.path, want->path);
		if (strstr(golden[i].line, "fe:01"))
			assert_int_equal(got.dev, makedev(0xfe, 1));
		free(line);
	}
}

static void lines_that_maps_never_writes_are_refused(void **state)
{
	static const char *const lines[] = {"", "\n", "-", "400000", "400000-", "400000-401000",
		"400000-401000 ", "400000-401000 r-xp", "400000-401000 r-xp ",
		"400000-401000 r-xp 0", "400000-401000 r-xp 0 fe",
		"400000-401000 r-xp 0 fe:", "400000-401000 r-xp 0 fe:01",
		"400000-401000 r-xp 0 fe:01 ", "400000-401000 r-xp 0 fe:01 x",
		"401000-400000 r-xp 0 fe:01 1 /x", "400000-400000 r-xp 0 fe:01 1 /x",
		"-400000-401000 r-xp 0 fe:01 1 /x", " 400000-401000 r-xp 0 fe:01 1 /x",
		"400000-401000 r-xpp 0 fe:01 1 /x", "400000-401000 r-x 0 fe:01 1 /x",
		"400000-401000 r-xp -1 fe:01 1 /x",
		"11112222333344445-11112222333344446 r-xp 0 fe:01 1 /x",
		"400000-401000 r-xp 0 fe:01 -1 /x", "x-y"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct proc_mapping mapping = {.start = 42};
		char *line = strdup(lines[i]);

		if (proc_mapping__parse(line, &mapping) != -EINVAL)
			fail_msg("\"%s\" was taken", lines[i]);
		assert_int_equal(mapping.start, 42); /* untouched on failure */
		free(line);
	}
}

/* A name with a backslash: the kernel escapes newlines only (seq_path(m, path, "\n") in fs/proc/task_mmu.c). */
static void a_backslash_in_a_name_stays(void **state)
{
	char line[] = "400000-401000 r-xp 00000000 fe:01 12     /tmp/a\\101b\n";
	struct proc_mapping mapping;

	(void)state;
	assert_int_equal(proc_mapping__parse(line, &mapping), 0);
	assert_string_equal(mapping.path, "/tmp/a\\101b");
}

/* What the kernel of this host writes for names that a process may choose. */
struct names {
	const char *want;
	bool found;
};

static int look_for(const struct proc_mapping *mapping, void *arg)
{
	struct names *names = arg;

	if (!strcmp(mapping->path, names->want))
		names->found = true;
	return 0;
}

static void names_of_mapped_files_are_read_back(void **state)
{
	static const char *const names[] = {"plain", "two  spaces", "new\nline", "back\\slash",
		"octal\\101", "tab\t", "\xff\xfe"};
	char dir[] = "/tmp/test_process_proc.XXXXXX", path[128];
	size_t i;

	(void)state;
	assert_non_null(mkdtemp(dir));
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct names look = {.want = path};
		FILE *file;
		void *memory;

		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		file = fopen(path, "w+");
		assert_non_null(file);
		assert_int_equal(ftruncate(fileno(file), 4096), 0);
		memory = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fileno(file), 0);
		assert_true(memory != MAP_FAILED);
		assert_true(proc_maps__each_exec(getpid(), look_for, &look) > 0);
		if (!look.found)
			fail_msg("a file named \"%s\" was not found in maps", names[i]);
		munmap(memory, 4096);
		fclose(file);
		unlink(path);
	}
	rmdir(dir);
}

static const struct {
	const char *text;
	struct proc_stat stat; /* state 0: refused */
} stats[] = {
	{"42 (cat) S 1 2 3 4 -1 6 7 8 9 10 11 12 13 14 15 16 7 0 123456 20 21 18446744073709551615 93824992231424 "
	 "93824992251009 140737488348272 0 0 0 0 0 0 0 17 1 0 0\n",
		{.state = 'S',
			.thread_cnt = 7,
			.start_ticks = 123456,
			.end_code = 93824992251009,
			.start_stack = 140737488348272}},
	{"42 (a) S) R 1 2 3 4 -1 6 7 8 9 10 11 12 13 14 15 16 3 0 99 20 21 22 23 24 25 0 0\n",
		{.state = 'R',
			.thread_cnt = 3,
			.start_ticks = 99,
			.end_code = 24,
			.start_stack = 25}},
	{"42 (new\nline) R 1 2 3 4 -1 6 7 8 9 10 11 12 13 14 15 16 3 0 99 20 21 22 23 24 25 0 0\n",
		{.state = 'R',
			.thread_cnt = 3,
			.start_ticks = 99,
			.end_code = 24,
			.start_stack = 25}},
	{"42 (() Z 1 2 3 4 -1 6 7 8 9 10 11 12 13 14 15 16 1 0 99 20 21 22 23 24 25 0 0\n",
		{.state = 'Z',
			.thread_cnt = 1,
			.start_ticks = 99,
			.end_code = 24,
			.start_stack = 25}},
	{"42 (x) 1 2) S 1 2 3 4 -1 6 7 8 9 10 11 12 13 14 15 16 1 0 77 20 21 22 23 24 25 0 0\n",
		{.state = 'S',
			.thread_cnt = 1,
			.start_ticks = 77,
			.end_code = 24,
			.start_stack = 25}},
	{"", {0}},
	{"42", {0}},
	{"42 (cat", {0}},
	{"42 (cat)", {0}},
	{"42 (cat) ", {0}},
	{"42 (cat) S", {0}},
	{"42 (cat) S 1 2 3", {0}},
	{"42 (cat) S 1 2 3 4 -1 6 7 8 9 10 11 12 13 14 15 16 7 0 123456 20 21 22 23 24", {0}},
	{"42 (cat)S 1 2 3 4 -1 6 7 8 9 10 11 12 13 14 15 16 7 0 123456 20 21 22 23 24 25 26", {0}},
};

static void stat_texts_parse(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(stats) / sizeof(stats[0]); i++) {
		struct proc_stat got = {.start_ticks = 4711};
		int err = proc_stat__parse(stats[i].text, &got);

		if (!stats[i].stat.state) {
			assert_int_equal(err, -EINVAL);
			assert_int_equal(got.start_ticks, 4711);
			continue;
		}
		assert_int_equal(err, 0);
		assert_int_equal(got.state, stats[i].stat.state);
		assert_int_equal(got.thread_cnt, stats[i].stat.thread_cnt);
		assert_int_equal(got.start_ticks, stats[i].stat.start_ticks);
		assert_int_equal(got.end_code, stats[i].stat.end_code);
		assert_int_equal(got.start_stack, stats[i].stat.start_stack);
	}
}

static void garbage_does_not_crash(void **state)
{
	static const char alphabet[] = "0123456789abcdef-: \\()rxwp/\n";
	struct proc_mapping mapping;
	struct proc_stat stat;
	unsigned int seed = 1;
	int i, j;

	(void)state;
	for (i = 0; i < 200000; i++) {
		size_t bytes = (size_t)(rand_r(&seed) % 80);
		char *line = malloc(
			bytes + 1); /* of this size, so that a sanitizer sees a read behind it */

		for (j = 0; j < (int)bytes; j++)
			line[j] = alphabet[(size_t)rand_r(&seed) % (sizeof(alphabet) - 1)];
		line[bytes] = '\0';
		proc_stat__parse(line, &stat);
		if (!proc_mapping__parse(line, &mapping)) {
			assert_true(mapping.start < mapping.end);
			assert_in_range(
				(uintptr_t)mapping.path, (uintptr_t)line, (uintptr_t)line + bytes);
		}
		free(line);
	}
}

static int stop_at_second(const struct proc_mapping *mapping, void *arg)
{
	(void)mapping;
	return ++*(int *)arg == 2 ? -ECANCELED : 0;
}

static void each_exec_counts_stops_and_tells_who_is_gone(void **state)
{
	pid_t child = fork();
	int cnt = 0;

	(void)state;
	assert_true(proc_maps__each_exec(getpid(), stop_at_second, &cnt) == -ECANCELED);
	assert_int_equal(cnt, 2);
	if (!child)
		_exit(0);
	waitpid(child, NULL, 0);
	cnt = -1000;
	assert_int_equal(proc_maps__each_exec(child, stop_at_second, &cnt), -ENOENT);
	assert_true(proc_stat__read(child, &(struct proc_stat){0}) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(maps_lines_parse),
		cmocka_unit_test(lines_that_maps_never_writes_are_refused),
		cmocka_unit_test(a_backslash_in_a_name_stays),
		cmocka_unit_test(names_of_mapped_files_are_read_back),
		cmocka_unit_test(stat_texts_parse),
		cmocka_unit_test(garbage_does_not_crash),
		cmocka_unit_test(each_exec_counts_stops_and_tells_who_is_gone),
	};

	return cmocka_run_group_tests_name("process_proc", tests, NULL, NULL);
}
