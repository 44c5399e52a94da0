// SPDX-License-Identifier: GPL-2.0
/* The top table beside that of go tool pprof, from the same profile. */
#include "test_output.h"

#include "output/top.h"
#include "output/unit.h"

static char *top_of(const struct fixture *fixture, size_t node_max)
{
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	assert_int_equal(top__write(&fixture->source, node_max, out), 0);
	fclose(out);
	return text;
}

/* Header, table and all: the same text. */
static void assert_as_pprof(struct fixture *fixture, size_t node_max)
{
	char *ours = top_of(fixture, node_max);
	char *theirs;

	fixture__save(fixture, "pprof");
	theirs = run("go tool pprof -top -symbolize=none -nodecount=%zu %s/%s.pb.gz", node_max,
		fixture->dir, fixture->profile->kind->name);
	assert_contains(theirs, "flat  flat%   sum%        cum   cum%\n");
	assert_string_equal(ours, theirs);
	free(ours);
	free(theirs);
}

static void test_as_pprof(void **state)
{
	static const struct {
		unsigned int functions, samples, depth;
		size_t node_max;
	} rows[] = {{12, 300, 8, 0}, {12, 300, 8, 5}, {300, 5000, 30, 20}, {3000, 5000, 30, 0},
		{1, 1, 1, 10}};
	static const char *const comments[] = {"bpfprof 0.1.0", "# kernel 6.1"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture *fixture = fixture__new(&profile_kind_cpu);

		fixture->source.comments = comments;
		fixture->source.comment_cnt = 2;
		fixture__fill(fixture, rows[i].functions, 1, rows[i].samples, rows[i].depth);
		assert_as_pprof(fixture, rows[i].node_max);
		fixture__free(fixture);
	}
}

/* Functions of all sizes, so that every unit and every rounding of a percentage is seen. */
static void check_values(const struct profile_kind *kind, uint64_t factor, unsigned int cnt)
{
	struct fixture *fixture = fixture__new(kind);
	uint64_t value = 1;
	unsigned int i;

	for (i = 0; i < cnt; i++, value = value * factor + i) {
		uint64_t frame = file_frame(1, i);

		fixture__line(fixture, fixture__location(fixture, frame, i, UINT32_MAX), NULL, i);
		fixture__stack(fixture, i + 1, STACK_END_ROOT, 0, &frame, 1);
		fixture__add(fixture, i + 1, 1, "app", value, value);
		if (i % 3 == 0)
			assert_as_pprof(fixture, 10);
	}
	fixture__free(fixture);
}

static void test_units(void **state)
{
	(void)state;
	check_values(&profile_kind_cpu, 7, 18);
	check_values(&profile_kind_heap, 5, 22);
	check_values(&profile_kind_threads, 3, 12);
}

static void test_empty_and_negative(void **state)
{
	struct fixture *fixture = fixture__new(&profile_kind_heap);

	(void)state;
	assert_as_pprof(fixture, 10);
	fixture->profile->time_ns = 0;
	fixture->profile->duration_ns = 0;
	fixture__add(fixture, 0, 1, "app", -10ull, -123456ull);
	assert_as_pprof(fixture, 10);
	fixture__free(fixture);
}

/* a calls b calls a: cum counts once; c is inlined in a, and called by b. */
static void test_recursion_and_inlining(void **state)
{
	const uint64_t a = file_frame(1, 1), b = file_frame(1, 2), c_in_a = file_frame(1, 3),
		       c = file_frame(1, 4), d_in_a = file_frame(1, 5);
	struct fixture *fixture = fixture__new(&profile_kind_threads);
	struct symbol_location *location;
	char *top;

	(void)state;
	fixture__line(fixture, fixture__location(fixture, a, 1, UINT32_MAX), "a", 0);
	fixture__line(fixture, fixture__location(fixture, b, 2, UINT32_MAX), "b", 0);
	location = fixture__location(fixture, c_in_a, 3, UINT32_MAX);
	fixture__line(fixture, location, "c", 0);
	fixture__line(fixture, location, "a", 0);
	fixture__line(fixture, fixture__location(fixture, c, 4, UINT32_MAX), "c", 0);
	location = fixture__location(fixture, d_in_a, 5, UINT32_MAX);
	fixture__line(fixture, location, "d", 0);
	fixture__line(fixture, location, "a", 0);
	fixture__stack(fixture, 1, STACK_END_ROOT, 0, (uint64_t[]){a, b, a, b, a}, 5);
	fixture__stack(fixture, 2, STACK_END_ROOT, 0, (uint64_t[]){c_in_a, b}, 2);
	fixture__stack(fixture, 3, STACK_END_ROOT, 0, (uint64_t[]){c, b}, 2);
	fixture__stack(fixture, 4, STACK_END_ROOT, 0, (uint64_t[]){d_in_a}, 1);
	fixture__add(fixture, 1, 1, "app", 50, 0);
	fixture__add(fixture, 2, 1, "app", 20, 0);
	fixture__add(fixture, 3, 1, "app", 25, 0);
	fixture__add(fixture, 4, 1, "app", 5, 0);
	assert_as_pprof(fixture, 0);
	assert_as_pprof(fixture, 2);
	top = top_of(fixture, 0);
	assert_contains(top, "        50 50.00% 50.00%         75 75.00%  a\n");
	assert_contains(top, "        45 45.00% 95.00%         45 45.00%  c (partial-inline)\n");
	assert_contains(top, "         5  5.00%   100%          5  5.00%  d (inline)\n");
	assert_contains(top, "         0     0%   100%         95 95.00%  b\n");
	free(top);
	fixture__free(fixture);
}

/* What no name can be given, and what a process would like the terminal to do. */
static void test_hostile_and_unnamed(void **state)
{
	static const char *const comments[] = {"a\033]0;owned\007b"};
	const uint64_t frames[] = {file_frame(1, 1), file_frame(2, 0x5678), 0x7f0012345678};
	struct fixture *fixture = fixture__new(&profile_kind_threads);
	uint32_t lib = fixture__mapping(
		fixture, (struct symbol_mapping){.path = "/usr/lib/libfoo.so.1", .build_id = ""});
	struct symbol_location *location;
	char *top;

	(void)state;
	fixture->source.comments = comments;
	fixture->source.comment_cnt = 1;
	location = fixture__location(fixture, frames[0], 1, UINT32_MAX);
	fixture__line(fixture, location, "evil\033[2J\n\xc2\x9b\xff\xe2\x80\xae\tna\xc3\xafve", 0);
	fixture__location(fixture, frames[1], 0x5678, lib);
	location = fixture__location(fixture, frames[2], frames[2], UINT32_MAX);
	location->pid = 3;
	location->start_ns = 7;
	fixture__stack(fixture, 1, STACK_END_BAD_CFA, 0, frames, 3);
	fixture__add(fixture, 1, 3, "app", 9, 0);
	fixture__add(fixture, 0, 4, "app", 1, 0);
	top = top_of(fixture, 0);
	assert_contains(top, "a\\x1b]0;owned\\x07b\n");
	assert_contains(top, "  evil\\x1b[2J\\n\\xc2\\x9b\\xff\\xe2\\x80\\xae\\tna\xc3\xafve\n");
	assert_contains(top, "  [libfoo.so.1+0x5678]\n");
	assert_contains(top, "  [0x7f0012345678]\n");
	assert_contains(top, "  [truncated]\n");
	assert_contains(top, "  [lost]\n");
	assert_lacks(top, "\033");
	assert_lacks(top, "File: "); /* two processes */
	free(top);
	fixture__free(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_pprof),
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_empty_and_negative),
		cmocka_unit_test(test_recursion_and_inlining),
		cmocka_unit_test(test_hostile_and_unnamed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
