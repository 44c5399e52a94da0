// SPDX-License-Identifier: GPL-2.0
/* Several pprof files as one, against what go tool pprof makes of the same files. */
#include "test_output.h"

#include <errno.h>
#include <zlib.h>

#include "output/pprof_merge.h"

#define FLAT_CUM_NAME "sed '1,/flat%/d' | awk '{ print $1, $4, $6, $7 }' | sort"

static char *read_gz(const char *path, size_t *ret_bytes)
{
	gzFile file = gzopen(path, "rb");
	char *data = malloc(8 << 20);
	int bytes;

	assert_true(file && data);
	bytes = gzread(file, data, 8 << 20);
	assert_true(bytes > 0);
	gzclose(file);
	*ret_bytes = (size_t)bytes;
	return data;
}

/* A fixture's profile, where others than the first have other functions, ids and strings. */
static void save(const char *dir, unsigned int number)
{
	struct fixture *fixture = fixture__new(&profile_kind_cpu);
	unsigned int i;

	for (i = 0; i < number; i++)
		fixture__random(fixture);
	fixture->profile->time_ns += number * 60000000000ll;
	fixture__fill(fixture, 40 + 30 * number, 3, 200 + 100 * number, 20);
	fixture__save(fixture, "pprof");
	free(run("mv %s/cpu.pb.gz %s/%u.pb.gz", fixture->dir, dir, number));
	fixture__free(fixture);
}

static int merge(const char *dir, unsigned int cnt, uint32_t pid)
{
	char path[96];
	FILE *out;
	struct pprof_merge *merged;
	size_t bytes;
	unsigned int i;
	int err = 0;

	snprintf(path, sizeof(path), "%s/merged.pb.gz", dir);
	out = fopen(path, "w");
	assert_non_null(out);
	merged = pprof_merge__new(out, pid);
	for (i = 0; i < cnt && !err; i++) {
		char *data;

		snprintf(path, sizeof(path), "%s/%u.pb.gz", dir, i);
		data = read_gz(path, &bytes);
		err = pprof_merge__add(merged, data, bytes);
		free(data);
	}
	if (!err)
		err = pprof_merge__finish(merged);
	pprof_merge__free(merged);
	fclose(out);
	return err;
}

static int setup(void **state)
{
	char *dir = strdup("/tmp/test_merge.XXXXXX");
	unsigned int i;

	assert_non_null(mkdtemp(dir));
	for (i = 0; i < 3; i++)
		save(dir, i);
	*state = dir;
	return 0;
}

static int teardown(void **state)
{
	free(run("rm -r %s", (char *)*state));
	free(*state);
	return 0;
}

#define TOP "go tool pprof -top -unit=ns -nodefraction=0 -nodecount=1000 -symbolize=none "

static void is_what_pprof_makes_of_the_files(void **state)
{
	const char *dir = *state;
	char *ours, *theirs;

	assert_int_equal(merge(dir, 3, 0), 0);
	ours = run(TOP "%s/merged.pb.gz | " FLAT_CUM_NAME, dir);
	theirs = run(TOP "%s/0.pb.gz %s/1.pb.gz %s/2.pb.gz | " FLAT_CUM_NAME, dir, dir, dir);
	assert_true(strlen(ours) > 1000);
	assert_string_equal(ours, theirs);
	free(ours);
	free(theirs);
	ours = run("go tool pprof -raw -symbolize=none %s/merged.pb.gz", dir);
	assert_contains(ours, "PeriodType: cpu nanoseconds\nPeriod: 10101010\n");
	assert_contains(ours, "Duration: 30s\n");
	assert_contains(ours, "Time: 2023-11-14");
	assert_contains(ours, "samples/count cpu/nanoseconds[dflt]\n");
	free(ours);
	free(run("zcat %s/merged.pb.gz | protoc -I" GOLDEN_DIR
		 " --decode=perftools.profiles.Profile profile.proto",
		dir));
}

static void takes_one_process(void **state)
{
	const char *dir = *state;
	char *ours, *theirs;

	assert_int_equal(merge(dir, 3, 1001), 0);
	ours = run(TOP "%s/merged.pb.gz | " FLAT_CUM_NAME, dir);
	theirs = run(TOP
		"-tagfocus=pid=1001 %s/0.pb.gz %s/1.pb.gz %s/2.pb.gz 2>/dev/null | " FLAT_CUM_NAME,
		dir, dir, dir);
	assert_true(strlen(ours) > 1000);
	assert_string_equal(ours, theirs);
	free(ours);
	free(theirs);
	ours = run("go tool pprof -raw -symbolize=none %s/merged.pb.gz", dir);
	assert_contains(ours, "pid:[1001]");
	assert_lacks(ours, "pid:[1000]");
	free(ours);
}

static void refuses_other_types(void **state)
{
	struct fixture *fixture = fixture__new(&profile_kind_block);
	const char *dir = *state;

	fixture__fill(fixture, 10, 1, 10, 5);
	fixture__save(fixture, "pprof");
	free(run("cp %s/block.pb.gz %s/1.pb.gz", fixture->dir, dir));
	fixture__free(fixture);
	assert_int_equal(merge(dir, 2, 0), -EINVAL);
}

/* Cut anywhere, and with bytes changed: an answer, and nothing read past the end. */
static void survives_damage(void **state)
{
	const char *dir = *state;
	FILE *null = fopen("/dev/null", "w");
	size_t bytes, cut, i;
	char path[96], *data, *copy;
	unsigned int seed = 1;

	snprintf(path, sizeof(path), "%s/0.pb.gz", dir);
	data = read_gz(path, &bytes);
	for (i = 0; i < 2000; i++) {
		struct pprof_merge *merged = pprof_merge__new(null, i % 2 ? 1001 : 0);

		cut = i < 1000 ? bytes * i / 1000 : bytes;
		copy = malloc(cut ? cut : 1);
		memcpy(copy, data, cut);
		if (i >= 1000)
			copy[(size_t)rand_r(&seed) % cut] = (char)rand_r(&seed);
		if (!pprof_merge__add(merged, copy, cut))
			pprof_merge__finish(merged);
		pprof_merge__free(merged);
		free(copy);
	}
	free(data);
	fclose(null);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(is_what_pprof_makes_of_the_files, setup, teardown),
		cmocka_unit_test_setup_teardown(takes_one_process, setup, teardown),
		cmocka_unit_test_setup_teardown(refuses_other_types, setup, teardown),
		cmocka_unit_test_setup_teardown(survives_damage, setup, teardown),
	};

	return cmocka_run_group_tests_name("pprof_merge", tests, NULL, NULL);
}
