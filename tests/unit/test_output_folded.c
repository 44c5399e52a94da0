// SPDX-License-Identifier: GPL-2.0
/* Folded stacks, line by line. */
#include "test_output.h"

#include <errno.h>

#include "output/folded.h"

static char *folded_of(const struct fixture *fixture)
{
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	assert_int_equal(folded__write(&fixture->source, out), 0);
	fclose(out);
	return text;
}

static void test_lines(void **state)
{
	const uint64_t kernel = kernel_frame(0xffffffff81000100), leaf = file_frame(1, 1),
		       leaf2 = file_frame(1, 2), root = file_frame(1, 3), lib = file_frame(2, 4);
	struct fixture *fixture = fixture__new(&profile_kind_threads);
	uint32_t mapping = fixture__mapping(
		fixture, (struct symbol_mapping){.path = "/usr/lib/libfoo.so", .build_id = ""});
	struct symbol_location *location;
	char *text;

	(void)state;
	fixture__line(fixture, fixture__location(fixture, kernel, 1, UINT32_MAX), "do_idle", 0);
	location = fixture__location(fixture, leaf, 1, UINT32_MAX);
	fixture__line(fixture, location, "inlined", 0);
	fixture__line(fixture, location, "leaf", 0);
	location = fixture__location(fixture, leaf2, 2, UINT32_MAX); /* as leaf, elsewhere in it */
	fixture__line(fixture, location, "inlined", 0);
	fixture__line(fixture, location, "leaf", 0);
	fixture__line(fixture, fixture__location(fixture, root, 3, UINT32_MAX),
		"ns::f<a;b>\n\033\x80 3", 0);
	fixture__location(fixture, lib, 0x4, mapping);
	fixture__stack(fixture, 1, STACK_END_ROOT, 1, (uint64_t[]){kernel, leaf, root}, 3);
	fixture__stack(fixture, 2, STACK_END_ROOT, 0, (uint64_t[]){leaf, root}, 2);
	fixture__stack(fixture, 3, STACK_END_ROOT, 0, (uint64_t[]){leaf2, root}, 2);
	fixture__stack(fixture, 4, STACK_END_NO_TABLE, 0, (uint64_t[]){lib}, 1);
	fixture__stack(fixture, 5, STACK_END_KERNEL, 1, (uint64_t[]){kernel}, 1);
	fixture__stack(fixture, 6, STACK_END_ROOT, 0, (uint64_t[]){file_frame(9, 9)}, 1);
	fixture__add(fixture, 2, 1, "zoo", 1, 0);
	fixture__add(fixture, 1, 1, "app", 1, 0);
	fixture__add(fixture, 2, 1, "app", 2, 0);
	fixture__add(fixture, 3, 1, "app", 4, 0);
	fixture__add(fixture, 3, 2, "app", 8, 0);
	fixture__add(fixture, 4, 1, "app", 16, 0);
	fixture__add(fixture, 5, 1, "k;w\n", 32, 0);
	fixture__add(fixture, 0, 1, "", 64, 0);
	fixture__add(fixture, 6, 1, "app", 128, 0);
	fixture__add(fixture, 5, 1, "zero", 0, 0);
	text = folded_of(fixture);
	assert_string_equal(text, "[unknown];[lost] 64\n"
				  "app;[truncated];[libfoo.so+0x4] 16\n"
				  "app;[unresolved] 128\n"
				  "app;ns::f<a:b>?\?\? 3;leaf;inlined 14\n"
				  "app;ns::f<a:b>?\?\? 3;leaf;inlined;do_idle_[k] 1\n"
				  "k:w?;do_idle_[k] 32\n"
				  "zoo;ns::f<a:b>?\?\? 3;leaf;inlined 1\n");
	free(text);
	fixture__free(fixture);
}

/* The sum of the lines is the sum of the samples; no line is there twice; sorted. */
static void test_sums(void **state)
{
	struct fixture *fixture = fixture__new(&profile_kind_cpu);
	char *ours, *sum;

	(void)state;
	fixture__fill(fixture, 40, 5, 5000, 3);
	fixture__save(fixture, "folded");
	sum = run("awk '{s += $NF} END {printf \"%%.0f\", s}' %s/cpu.folded", fixture->dir);
	/* 1 + n % 3 over 5000 samples: 1666 threes, 1667 twos and 1667 ones */
	assert_int_equal(strtoull(sum, NULL, 10), (1666 * 1 + 1667 * 2 + 1667 * 3) * 10101010ull);
	free(sum);
	ours = run("sed 's/ [0-9]*$//' %s/cpu.folded | LC_ALL=C sort | uniq -d", fixture->dir);
	assert_string_equal(ours, "");
	free(ours);
	fixture__free(fixture);
}

static void test_full_disk(void **state)
{
	struct fixture *fixture = fixture__new(&profile_kind_cpu);
	FILE *full = fopen("/dev/full", "w");
	size_t i;

	(void)state;
	fixture__fill(fixture, 400, 5, 2000, 30);
	assert_non_null(full);
	for (i = 0; i < output_format_cnt; i++)
		assert_int_equal(output_formats[i].write(&fixture->source, full), -ENOSPC);
	fclose(full);
	fixture__free(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
