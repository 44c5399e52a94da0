// SPDX-License-Identifier: GPL-2.0
/* The folder of profiles that are kept: names, order, what is removed and what never is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "retained.h"

static char dir[64];

static void make(const char *name, size_t bytes)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
	close(fd);
}

static int is_there(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return !access(path, F_OK);
}

static int setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/bpfprof-retained-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

static void names(void **state)
{
	static const char *const bad[] = {"", "cpu", "cpu-20251125T221300.123Z-60012ms.pb",
		"cpu-20251125T221300.123Z-60012ms.pb.gz.x", "cpu-20251125T221300Z-60012ms.pb.gz",
		"cpu-20251125T221300.123Z--5ms.pb.gz", "cpu-20251125T2213 0.123Z-5ms.pb.gz",
		"cpu-20251325T221300.123Z-5ms.pb.gz", "-20251125T221300.123Z-5ms.pb.gz",
		"cpu-20251125T221300.123Z-05ms.pb.gz", "CPU-20251125T221300.123Z-5ms.pb.gz",
		"cpu/-20251125T221300.123Z-5ms.pb.gz",
		"cpu-99999999999999999999T221300.123Z-99999999999999999999ms.pb.gz",
		"averyveryverylongname-20251125T221300.123Z-5ms.pb.gz"};
	char name[RETAINED_NAME_MAX];
	struct retained one;
	size_t i;

	(void)state;
	retained__name("cpu", 1764108780123, 60012, name);
	assert_string_equal(name, "cpu-20251125T221300.123Z-60012ms.pb.gz");
	assert_int_equal(retained__parse(name, &one), 0);
	assert_string_equal(one.profile, "cpu");
	assert_int_equal(one.start_ms, 1764108780123);
	assert_int_equal(one.end_ms, 1764108780123 + 60012);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!retained__parse(bad[i], &one))
			fail_msg("\"%s\" is a name", bad[i]);
}

static void prunes_the_oldest(void **state)
{
	struct retained *list;
	size_t cnt;

	(void)state;
	make("cpu-20251125T221300.000Z-60000ms.pb.gz", 100);
	make("block-20251125T221200.000Z-60000ms.pb.gz", 100);
	make("cpu-20251125T221100.000Z-60000ms.pb.gz", 100);
	make("cpu-20251125T221400.000Z-60000ms.pb.gz", 100);
	make("somebody-elses.pb.gz", 100000);
	assert_int_equal(retained__list(dir, &list, &cnt), 0);
	assert_int_equal(cnt, 4);
	assert_string_equal(list[0].name, "cpu-20251125T221100.000Z-60000ms.pb.gz");
	assert_string_equal(list[1].profile, "block");
	assert_int_equal(list[3].bytes, 100);
	free(list);
	assert_int_equal(retained__prune(dir, 1000, 0), 0);
	assert_true(is_there("cpu-20251125T221100.000Z-60000ms.pb.gz"));
	/* by size: 400 bytes are there */
	assert_int_equal(retained__prune(dir, 399, 0), 0);
	assert_false(is_there("cpu-20251125T221100.000Z-60000ms.pb.gz"));
	assert_true(is_there("block-20251125T221200.000Z-60000ms.pb.gz"));
	/* by age: what ended before 22:14:00.000 and not at it */
	assert_int_equal(retained__prune(dir, 1000, 1764108840000), 0);
	assert_false(is_there("block-20251125T221200.000Z-60000ms.pb.gz"));
	assert_true(is_there("cpu-20251125T221300.000Z-60000ms.pb.gz"));
	assert_int_equal(retained__prune(dir, 0, 0), 0);
	assert_false(is_there("cpu-20251125T221400.000Z-60000ms.pb.gz"));
	assert_true(is_there("somebody-elses.pb.gz"));
}

static void cleans_what_was_not_finished(void **state)
{
	(void)state;
	make(".cpu-20251125T221300.000Z-60000ms.pb.gz.aB3xYz", 10);
	make(".cpu.pb.gz.aB3xYz", 10);
	make("cpu-20251125T221300.000Z-60000ms.pb.gz", 10);
	retained__clean(dir);
	assert_false(is_there(".cpu-20251125T221300.000Z-60000ms.pb.gz.aB3xYz"));
	assert_true(is_there(".cpu.pb.gz.aB3xYz"));
	assert_true(is_there("cpu-20251125T221300.000Z-60000ms.pb.gz"));
	assert_int_equal(retained__prune("/no/such/folder", 1, 1), -2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test_setup_teardown(prunes_the_oldest, setup, teardown),
		cmocka_unit_test_setup_teardown(cleans_what_was_not_finished, setup, teardown),
	};

	return cmocka_run_group_tests_name("retained", tests, NULL, NULL);
}
