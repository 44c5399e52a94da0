// SPDX-License-Identifier: GPL-2.0
/* pprof files as protoc and go tool pprof read them. */
#include "test_output.h"

#include <inttypes.h>
#include <link.h>
#include <time.h>

#include "output/frames.h"
#include "output/pprof.h"

#ifndef GOLDEN_DIR
#define GOLDEN_DIR "tests/golden"
#endif
#define STACK_A 0xa
#define STACK_B 0xb

static const char *cgroup_path(uint64_t cgroup, void *arg)
{
	return cgroup == 42 ? arg : NULL;
}

/* Two stacks: one whole with kernel, inlined and unnamed frames, one cut; and a lost sample. */
static struct fixture *small_fixture(void)
{
	static const char *const comments[] = {"bpfprof 0.1.0", "lost_ring=3"};
	const uint64_t a[] = {kernel_frame(0xffffffff81000100), file_frame(1, 0x1234),
		file_frame(2, 0x5678), file_frame(1, 0x1300)};
	const uint64_t b[] = {0x7f0012345678, file_frame(1, 0x1300)};
	struct fixture *fixture = fixture__new(&profile_kind_cpu);
	uint32_t lib = fixture__mapping(
		fixture, (struct symbol_mapping){"/usr/lib/libfoo.so.1", "", 0x1000, 0x6000, 0x1000,
				 false, false, false, false});
	uint32_t app = fixture__mapping(
		fixture, (struct symbol_mapping){"/usr/bin/app", "abcd01", 0x1000, 0x3000, 0x0000,
				 true, true, true, true});
	uint32_t kernel = fixture__mapping(
		fixture, (struct symbol_mapping){"[kernel.kallsyms]", "", 0xffffffff81000000,
				 0xffffffff82000000, 0, true, false, false, false});
	struct symbol_location *location;

	location = fixture__location(fixture, b[0], b[0], UINT32_MAX);
	location->pid = 77;
	location->start_ns = 7;
	location = fixture__location(fixture, a[0], 0xffffffff81000100, kernel);
	fixture__line(fixture, location, "do_syscall_64", 0);
	location = fixture__location(fixture, a[1], 0x1234, app);
	fixture__line(fixture, location, "inlined", 1);
	fixture__line(fixture, location, "ns::outer(int)", 2);
	((struct symbol_line *)location->lines)[1].system_name = "_ZN2ns5outerEi";
	location = fixture__location(fixture, a[3], 0x1300, app);
	fixture__line(fixture, location, "main", 3);
	fixture__location(fixture, a[2], 0x5678, lib);
	fixture__stack(fixture, STACK_A, STACK_END_ROOT, 1, a, 4);
	fixture__stack(fixture, STACK_B, STACK_END_NO_ROW, 0, b, 2);
	fixture__add(fixture, STACK_A, 77, "app", 4, 40000000);
	fixture__add(fixture, STACK_B, 77, "app", 2, 20000000);
	fixture__add(fixture, 0, 77, "app", 1, 10000000);
	fixture__add(fixture, 0xdead, 78, "bad\xff\x80name", 1, 10000000);
	fixture->source.comments = comments;
	fixture->source.comment_cnt = 2;
	fixture->source.cgroup_path = cgroup_path;
	fixture->source.cgroup_arg = "/system.slice/app.service";
	fixture__save(fixture, "pprof");
	return fixture;
}

/* The number that -raw gives the location whose line has text, as it stands in a sample: "4 ". */
static void location_of(const char *raw, const char *text, char ret[16])
{
	const char *line = strstr(strstr(raw, "Locations"), text);

	if (!line)
		fail_msg("no location \"%s\" in:\n%s", text, raw);
	while (line[-1] != '\n')
		line--;
	snprintf(ret, 16, "%d ", atoi(line));
}

static void test_raw(void **state)
{
	struct fixture *fixture = small_fixture();
	char *raw = run("go tool pprof -raw -symbolize=none %s/cpu.pb.gz", fixture->dir);
	char expected[256];
	char a[4][16], raw_user[16], truncated[16], lost[16];

	(void)state;
	assert_contains(raw, "Comment: bpfprof 0.1.0\nComment: lost_ring=3\n");
	assert_contains(raw, "PeriodType: cpu nanoseconds\nPeriod: 10101010\n");
	assert_contains(raw, "Time: 2023-11-14");
	assert_contains(raw, "Duration: 10s\n");
	assert_contains(raw, "samples/count cpu/nanoseconds[dflt]\n");
	location_of(raw, "0xffffffff81000100 M=3 do_syscall_64", a[0]);
	location_of(raw, "0x1234 M=1 inlined /src/app.c:11", a[1]);
	location_of(raw, "0x5678 M=2", a[2]);
	location_of(raw, "0x1300 M=1 main /src/app.c:13", a[3]);
	location_of(raw, "0x7f0012345678", raw_user);
	location_of(raw, "[truncated]", truncated);
	location_of(raw, "[lost]", lost);
	snprintf(expected, sizeof(expected), "          4   40000000: %s%s%s%s\n", a[0], a[1], a[2],
		a[3]);
	assert_contains(raw, expected);
	snprintf(expected, sizeof(expected), "          2   20000000: %s%s%s\n", raw_user, a[3],
		truncated);
	assert_contains(raw, expected);
	snprintf(expected, sizeof(expected), "          1   10000000: %s\n", lost);
	assert_contains(raw, expected);
	assert_contains(raw, "ns::outer(int) /src/app.c:12");
	assert_contains(raw, "(_ZN2ns5outerEi)\n");
	assert_contains(raw, "                cgroup:[/system.slice/app.service] comm:[app] "
			     "thread:[worker]\n                pid:[77]\n");
	assert_contains(raw, "comm:[bad\?\?name]");
	assert_contains(raw, "1: 0x1000/0x3000/0x0 /usr/bin/app abcd01 [FN][FL][LN][IN]\n");
	assert_contains(raw, "2: 0x1000/0x6000/0x1000 /usr/lib/libfoo.so.1");
	assert_contains(
		raw, "3: 0xffffffff81000000/0xffffffff82000000/0x0 [kernel.kallsyms]  [FN]\n");
	free(raw);
	fixture__free(fixture);
}

static void test_traces(void **state)
{
	struct fixture *fixture = small_fixture();
	char *traces = run("go tool pprof -traces -symbolize=none %s/cpu.pb.gz", fixture->dir);

	(void)state;
	assert_contains(traces, "      comm:  app\n    cgroup:  /system.slice/app.service\n"
				"    thread:  worker\n       pid:  77\n"
				"      40ms   do_syscall_64\n"
				"             inlined (inline)\n"
				"             ns::outer(int)\n"
				"             [libfoo.so.1]\n"
				"             main\n");
	assert_contains(traces, "             main\n             [truncated]\n");
	free(traces);
	fixture__free(fixture);
}

/* protoc refuses what is no proto3: wrong wire types, strings that are no UTF-8. */
static void test_protoc(void **state)
{
	struct fixture *fixture = small_fixture();
	char *text = run("zcat %s/cpu.pb.gz | protoc -I" GOLDEN_DIR
			 " --decode=perftools.profiles.Profile profile.proto",
		fixture->dir);
	char *expected = run("cat " GOLDEN_DIR "/profile_small.txt");
	char *unknown = run(
		"zcat %s/cpu.pb.gz | protoc --decode_raw | grep -c '^1 {'", fixture->dir);

	(void)state;
	assert_string_equal(text, expected);
	assert_string_equal(unknown, "2\n");
	free(unknown);
	free(expected);
	free(text);
	fixture__free(fixture);
}

/* Another order of adding, another seed of the table, stacks with other hashes: the same bytes. */
static char *bytes_of(bool backward, uint64_t hash_factor, size_t *ret_bytes)
{
	struct fixture *fixture = fixture__new(&profile_kind_cpu);
	char *data = NULL;
	FILE *out = open_memstream(&data, ret_bytes);
	uint64_t i, n;

	for (i = 0; i < 50; i++)
		fixture__line(fixture, fixture__location(fixture, file_frame(1, i), i, UINT32_MAX),
			NULL, i);
	for (i = 0; i < 500; i++) {
		n = backward ? 499 - i : i;
		fixture__stack(fixture, (n + 1) * hash_factor, STACK_END_ROOT, 0,
			(uint64_t[]){file_frame(1, n % 50), file_frame(1, n / 50)}, 2);
		fixture__add(fixture, (n + 1) * hash_factor, 1 + n % 3, "app", 1, n);
	}
	assert_int_equal(pprof__write(&fixture->source, out), 0);
	fclose(out);
	fixture__free(fixture);
	return data;
}

static void test_deterministic(void **state)
{
	size_t a_bytes, b_bytes;
	char *a = bytes_of(false, 1, &a_bytes);
	char *b = bytes_of(true, 0x9e3779b97f4a7c15, &b_bytes);

	(void)state;
	assert_int_equal(a_bytes, b_bytes);
	assert_memory_equal(a, b, a_bytes);
	assert_memory_equal(a, "\x1f\x8b\x08\x00\x00\x00\x00\x00", 8); /* mtime 0, no name */
	free(a);
	free(b);
}

static void test_merge(void **state)
{
	struct fixture *a = small_fixture();
	struct fixture *b = small_fixture();
	char *raw, *top;

	(void)state;
	free(run(
		"go tool pprof -proto -symbolize=none -output=%s/m.pb.gz %s/cpu.pb.gz %s/cpu.pb.gz "
		"2>&1",
		a->dir, a->dir, b->dir));
	raw = run("go tool pprof -raw -symbolize=none %s/m.pb.gz", a->dir);
	top = run("go tool pprof -top -symbolize=none %s/m.pb.gz", a->dir);
	assert_contains(raw, "          8   80000000: ");
	assert_contains(raw, "0xffffffff81000000/");
	assert_contains(raw, "\n3: 0x");
	assert_lacks(raw, "\n4: 0x");
	assert_contains(top, "Duration: 20s, Total samples = 160ms ");
	free(raw);
	free(top);
	fixture__free(a);
	fixture__free(b);
}

/* Kinds with other units, negative values, and nothing at all. */
static void test_other_kinds(void **state)
{
	struct fixture *fixture = fixture__new(&profile_kind_heap);
	char *raw;

	(void)state;
	fixture__save(fixture, "pprof");
	raw = run("go tool pprof -raw -symbolize=none %s/heap.pb.gz", fixture->dir);
	assert_contains(raw, "alloc_objects/count alloc_space/bytes inuse_objects/count "
			     "inuse_space/bytes[dflt]\n");
	free(raw);
	fixture__add(fixture, 0, 1, "a", -3ull, -4096ull);
	fixture__save(fixture, "pprof");
	raw = run("go tool pprof -raw -symbolize=none %s/heap.pb.gz", fixture->dir);
	assert_contains(raw, "         -3      -4096         -3      -4096: ");
	free(raw);
	fixture__free(fixture);
}

/* pprof calls the first mapping "File": the program, however hot libraries and the kernel are. */
static void test_main_mapping(void **state)
{
	static struct symbol_mapping mappings[] = {
		{.path = "/lib/libc.so.6"},
		{.path = "//anon"},
		{.path = "[kernel.kallsyms]"},
		{.path = "/bin/small"},
		{.path = "/bin/large"},
		{.path = "/lib/a.so"},
		{.path = "/lib/a.so_1/not"},
		{.path = "/bin/app.source"},
	};
	static const struct {
		uint64_t weights[8];
		uint32_t expected;
	} rows[] = {
		{{0}, UINT32_MAX},
		{{9, 5, 8}, 0},
		{{9, 5, 10}, 2},
		{{9, 5, 8, 1}, 3},
		{{9, 5, 8, 1, 2, 9, 9}, 4},
		{{9, 5, 8, 0, 0, 9, 9}, 0},
		{{9, 5, 8, 0, 0, 9, 9, 1}, 7},
	};
	const struct symbols symbols = {.mappings = mappings, .mapping_cnt = 8};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(frames__main_mapping(&symbols, rows[i].weights), rows[i].expected);
}

static int find_text_segment(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct symbol_mapping *mapping = arg;
	uint64_t address = (uint64_t)find_text_segment;
	int i;

	(void)size;
	for (i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];

		if (segment->p_type != PT_LOAD ||
			address - info->dlpi_addr - segment->p_vaddr >= segment->p_memsz)
			continue;
		mapping->start = segment->p_vaddr & ~4095ull;
		mapping->limit = (segment->p_vaddr + segment->p_memsz + 4095) & ~4095ull;
		mapping->offset = segment->p_offset & ~4095ull;
		return address - info->dlpi_addr;
	}
	return 0;
}

/* An unnamed frame of this very program, at the address that its ELF file states: pprof finds the
 * file, sees that the base is 0, and names the frame. */
static void test_pprof_symbolizes_elf_addresses(void **state)
{
	struct fixture *fixture = fixture__new(&profile_kind_cpu);
	struct symbol_mapping mapping = {.build_id = ""};
	uint64_t address = dl_iterate_phdr(find_text_segment, &mapping);
	char path[256] = "";
	uint64_t frame;
	char *top;

	(void)state;
	assert_int_not_equal(address, 0);
	assert_true(readlink("/proc/self/exe", path, sizeof(path) - 1) > 0);
	mapping.path = path;
	frame = file_frame(1, address + 1);
	fixture__location(fixture, frame, address + 1, fixture__mapping(fixture, mapping));
	fixture__stack(fixture, STACK_A, STACK_END_ROOT, 0, &frame, 1);
	fixture__add(fixture, STACK_A, 77, "app", 4, 40000000);
	fixture__save(fixture, "pprof");
	top = run("go tool pprof -top -symbolize=local %s/cpu.pb.gz", fixture->dir);
	assert_contains(top, "find_text_segment\n");
	free(top);
	top = run("go tool pprof -list=find_text_segment %s/cpu.pb.gz", fixture->dir);
	assert_contains(top, "ROUTINE ======================== find_text_segment in ");
	free(top);
	fixture__free(fixture);
}

static double seconds(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

/* 300 processes, 20,000 samples of distinct stacks. The limit is generous: sanitizers, shared
 * machines. */
static void test_speed(void **state)
{
	struct fixture *fixture = fixture__new(&profile_kind_cpu);
	size_t i;

	(void)state;
	fixture__fill(fixture, 20000, 300, 20000, 60);
	for (i = 0; i < output_format_cnt; i++) {
		double begin = seconds(CLOCK_PROCESS_CPUTIME_ID);
		char *bytes;

		fixture__save(fixture, output_formats[i].name);
		begin = seconds(CLOCK_PROCESS_CPUTIME_ID) - begin;
		bytes = run("stat -c %%s %s/cpu%s", fixture->dir, output_formats[i].suffix);
		print_message("%s: 20,000 samples in %.3f s of CPU, %s", output_formats[i].name,
			begin, bytes);
		free(bytes);
		assert_true(begin < 8);
	}
	free(run("go tool pprof -top -symbolize=none %s/cpu.pb.gz", fixture->dir));
	fixture__free(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_raw),
		cmocka_unit_test(test_traces),
		cmocka_unit_test(test_protoc),
		cmocka_unit_test(test_deterministic),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_other_kinds),
		cmocka_unit_test(test_main_mapping),
		cmocka_unit_test(test_pprof_symbolizes_elf_addresses),
		cmocka_unit_test(test_speed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
