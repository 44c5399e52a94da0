/* Command lines that are accepted: forms, every option's value, defaults by form. */
#include "test_options.h"

#define ALL_PROFILES                                                                               \
	(OPTIONS_CPU | OPTIONS_HEAP | OPTIONS_BLOCK | OPTIONS_MUTEX | OPTIONS_THREADS |            \
		OPTIONS_SCHED)
#define SECOND_NS 1000000000ULL

static int only_this_version(void **state)
{
	(void)state;
	set_available(0);
	return 0;
}

static int everything(void **state)
{
	(void)state;
	set_available(1);
	return 0;
}

static void defaults_host(void **state)
{
	static const char *const args[ARGS_MAX] = ARGS(NULL);

	(void)state;
	parse_good(args, NULL);
	assert_int_equal(options.action, OPTIONS_RUN);
	assert_int_equal(options.mode, OPTIONS_HOST);
	assert_int_equal(options.pid_cnt, 0);
	assert_null(options.command);
	assert_int_equal(options.duration_ns, 0);
	assert_int_equal(options.interval_ns, SECOND_NS);
	assert_int_equal(options.frequency_hz, 99);
	assert_int_equal(options.profiles, OPTIONS_CPU);
	assert_int_equal(options.formats, OPTIONS_PPROF);
	assert_null(options.output_dir);
	assert_int_equal(options.top_cnt, 0);
	assert_int_equal(options.heap_rate_bytes, 524288);
	assert_int_equal(options.max_overhead_ppm, 50000);
	assert_int_equal(options.listen.kind, ADDRESS_OFF);
	assert_false(options.stats);
	assert_int_equal(options.log_level, LOG_LEVEL_INFO);
	assert_true(options.sched_lines);
	assert_false(options.heap_lines);
	assert_false(options.sched_detail);
	assert_int_equal(options.sched_period_ns, SECOND_NS);
	assert_int_equal(options.heap_period_ns, SECOND_NS);
	assert_string_equal(options.warning, "");
}

static void defaults_host_with_everything(void **state)
{
	static const char *const args[ARGS_MAX] = ARGS(NULL);

	(void)state;
	parse_good(args, NULL);
	assert_int_equal(options.profiles, OPTIONS_CPU);
	assert_int_equal(options.listen.kind, ADDRESS_TCP);
	assert_string_equal(options.listen.host, "127.0.0.1");
	assert_int_equal(options.listen.port, 6060);
	assert_false(options.heap_lines);
}

static void check_attached_defaults(uint32_t profiles)
{
	assert_int_equal(options.profiles, profiles);
	assert_int_equal(options.formats, OPTIONS_PPROF);
	assert_string_equal(options.output_dir, ".");
	assert_int_equal(options.top_cnt, 20);
	assert_int_equal(options.listen.kind, ADDRESS_OFF);
	assert_true(options.sched_lines);
	assert_int_equal(options.heap_lines, profiles & OPTIONS_HEAP ? 1 : 0);
}

static void defaults_pid(void **state)
{
	static const char *const args[ARGS_MAX] = ARGS("--pid", "42,7", "-p1");

	(void)state;
	parse_good(args, NULL);
	assert_int_equal(options.mode, OPTIONS_PIDS);
	assert_int_equal(options.pid_cnt, 3);
	assert_int_equal(options.pids[0], 42);
	assert_int_equal(options.pids[1], 7);
	assert_int_equal(options.pids[2], 1);
	assert_null(options.command);
	check_attached_defaults(OPTIONS_CPU);
}

static void defaults_with_everything(void **state)
{
	static const char *const pid[ARGS_MAX] = ARGS("--pid", "42");
	static const char *const command[ARGS_MAX] = ARGS("--", "true");

	(void)state;
	parse_good(pid, NULL);
	check_attached_defaults(OPTIONS_CPU | OPTIONS_HEAP);
	parse_good(command, NULL);
	check_attached_defaults(OPTIONS_CPU | OPTIONS_HEAP);
}

/* -P threads -d 0: a dump, once, of which nothing is written unless a place is given. */
static void dump_of_threads(void **state)
{
	static const char *const dump[ARGS_MAX] = ARGS("--pid", "42", "-P", "threads", "-d", "0");
	static const char *const host[ARGS_MAX] = ARGS("-P", "threads", "-d", "0");
	static const char *const files[ARGS_MAX] = ARGS(
		"-p", "42", "-P", "threads", "-d0", "-o", "x");
	static const char *const timed[ARGS_MAX] = ARGS("--pid", "42", "-P", "threads", "-d", "5s");
	static const char *const others[ARGS_MAX] = ARGS("-p", "42", "-P", "threads,cpu", "-d0");
	static const char *const command[ARGS_MAX] = ARGS("-P", "threads", "-d0", "--", "true");

	(void)state;
	parse_good(dump, NULL);
	assert_true(options.dump_threads);
	assert_null(options.output_dir);
	assert_int_equal(options.top_cnt, 0);
	assert_false(options.sched_lines);
	parse_good(host, NULL);
	assert_true(options.dump_threads);
	parse_good(files, NULL);
	assert_true(options.dump_threads);
	assert_string_equal(options.output_dir, "x");
	parse_good(timed, NULL);
	assert_false(options.dump_threads);
	assert_string_equal(options.output_dir, ".");
	parse_good(others, NULL);
	assert_false(options.dump_threads);
	parse_good(command, NULL);
	assert_false(options.dump_threads);
}

static void wall_clock(void **state)
{
	static const char *const alone[ARGS_MAX] = ARGS("--pid", "42", "--wall", "-F", "49");
	static const char *const added[ARGS_MAX] = ARGS("-p", "42", "-P", "cpu", "--wall");
	static const char *const named[ARGS_MAX] = ARGS("-p", "42", "-P", "wall,threadcreate");

	(void)state;
	parse_good(alone, NULL);
	assert_int_equal(options.profiles, OPTIONS_WALL);
	parse_good(added, NULL);
	assert_int_equal(options.profiles, OPTIONS_CPU | OPTIONS_WALL);
	parse_good(named, NULL);
	assert_int_equal(options.profiles, OPTIONS_WALL | OPTIONS_THREADCREATE);
}

/* The command keeps its own options, whatever they are called. */
static void command_words(void **state)
{
	static const struct {
		const char *args[ARGS_MAX], *command[ARGS_MAX];
	} rows[] = {
		{ARGS("--", "xz", "-9", "f"), {"xz", "-9", "f"}},
		{ARGS("-d", "5", "xz", "-9", "f"), {"xz", "-9", "f"}},
		{ARGS("-d", "5", "--", "xz", "--", "-F"), {"xz", "--", "-F"}},
		{ARGS("xz", "--foo", "-d", "x", "--help"), {"xz", "--foo", "-d", "x", "--help"}},
		{ARGS("--", "--stats"), {"--stats"}},
		{ARGS("--", "--", "x"), {"--", "x"}},
		{ARGS("--", "5", ""), {"5", ""}},
		{ARGS("--top", "--", "5"), {"5"}},
		{ARGS("-", "x"), {"-", "x"}},
	};
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		parse_good(rows[i].args, NULL);
		assert_int_equal(options.mode, OPTIONS_COMMAND);
		for (j = 0; rows[i].command[j]; j++)
			assert_string_equal(options.command[j], rows[i].command[j]);
		assert_null(options.command[j]);
		check_attached_defaults(OPTIONS_CPU);
	}
}

static void numbers(void **state)
{
	enum { DURATION, INTERVAL, HZ, TOP, RATE, OVERHEAD, MEMORY, PROFILES, FORMATS };
	static const struct {
		const char *args[ARGS_MAX];
		int field;
		uint64_t value;
	} rows[] = {
		{ARGS("-d10"), DURATION, 10 * SECOND_NS},
		{ARGS("--duration", "500ms"), DURATION, SECOND_NS / 2},
		{ARGS("--duration=2m"), DURATION, 120 * SECOND_NS},
		{ARGS("-d", "1.5s", "-d", "0"), DURATION, 0},
		{ARGS("-d", "87600h"), DURATION, 87600 * 3600 * SECOND_NS},
		{ARGS("-i", "10ms"), INTERVAL, SECOND_NS / 100},
		{ARGS("--interval", "24h"), INTERVAL, 24 * 3600 * SECOND_NS},
		{ARGS("-F", "1"), HZ, 1},
		{ARGS("--frequency", "10000"), HZ, 10000},
		{ARGS("--freq=997"), HZ, 997},
		{ARGS("-F", "50", "-F", "49"), HZ, 49},
		{ARGS("--top"), TOP, 20},
		{ARGS("--top=5"), TOP, 5},
		{ARGS("--top=5", "--top"), TOP, 20},
		{ARGS("-p", "1", "--top=0"), TOP, 0},
		{ARGS("--top=100000"), TOP, 100000},
		{ARGS("-P", "heap", "--heap-rate", "1"), RATE, 1},
		{ARGS("-P", "heap", "--heap-rate=512K"), RATE, 512 << 10},
		{ARGS("-P", "heap", "--heap-rate=1024G"), RATE, 1ULL << 40},
		{ARGS("-p", "1", "--heap-rate=2M"), RATE, 2 << 20},
		{ARGS("--max-overhead", "2.5"), OVERHEAD, 25000},
		{ARGS("--max-overhead=100%"), OVERHEAD, 1000000},
		{ARGS("--max-overhead=0.1"), OVERHEAD, 1000},
		{ARGS("--max-memory", "0"), MEMORY, 0},
		{ARGS("--max-memory=1M"), MEMORY, 1 << 20},
		{ARGS("--max-memory=2G"), MEMORY, 2ULL << 30},
		{ARGS("-P", "cpu,heap,block,mutex,threads,sched"), PROFILES, ALL_PROFILES},
		{ARGS("-P", "block", "-P", "cpu"), PROFILES, OPTIONS_BLOCK | OPTIONS_CPU},
		{ARGS("--profiles=mutex"), PROFILES, OPTIONS_MUTEX},
		{ARGS("-o", ".", "-f", "html,folded"), FORMATS, OPTIONS_HTML | OPTIONS_FOLDED},
		{ARGS("-p", "1", "--format=folded"), FORMATS, OPTIONS_FOLDED},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		parse_good(rows[i].args, NULL);
		const uint64_t fields[] = {
			[DURATION] = options.duration_ns,
			[INTERVAL] = options.interval_ns,
			[HZ] = options.frequency_hz,
			[TOP] = options.top_cnt,
			[RATE] = options.heap_rate_bytes,
			[OVERHEAD] = options.max_overhead_ppm,
			[MEMORY] = options.max_memory_bytes,
			[PROFILES] = options.profiles,
			[FORMATS] = options.formats,
		};
		assert_int_equal(fields[rows[i].field], rows[i].value);
	}
}

static void others(void **state)
{
	static const char *const host[ARGS_MAX] = ARGS(
		"-o", "/tmp", "-vv", "--stats", "--no-trace", "-i", "2s");
	static const char *const quiet[ARGS_MAX] = ARGS("-q", "--listen", "unix:/run/b.sock");
	static const char *const off[ARGS_MAX] = ARGS("--listen=off");
	static const char *const retain[ARGS_MAX] = ARGS("--retain", "/var/x,2M,3h");
	static const char *const often[ARGS_MAX] = ARGS("--retain=y,64K,10s,500ms");
	static const char *const token[ARGS_MAX] = ARGS(
		"--linger", "5s", "--listen-token-file", "t");

	(void)state;
	parse_good(host, NULL);
	assert_string_equal(options.output_dir, "/tmp");
	assert_int_equal(options.log_level, LOG_LEVEL_DEBUG);
	assert_true(options.stats);
	assert_false(options.sched_lines);
	assert_false(options.heap_lines);
	assert_int_equal(options.sched_period_ns, 2 * SECOND_NS);
	assert_int_equal(options.heap_period_ns, 2 * SECOND_NS);

	parse_good(quiet, NULL);
	assert_int_equal(options.log_level, LOG_LEVEL_ERROR);
	assert_true(options.sched_lines);
	assert_int_equal(options.listen.kind, ADDRESS_UNIX);
	assert_string_equal(options.listen.path, "/run/b.sock");

	assert_false(options.listen_is_default);
	assert_int_equal(options.linger_ns, 60 * SECOND_NS);
	assert_null(options.token_file);

	parse_good(off, NULL);
	assert_int_equal(options.listen.kind, ADDRESS_OFF);

	parse_good(token, NULL);
	assert_true(options.listen_is_default);
	assert_int_equal(options.linger_ns, 5 * SECOND_NS);
	assert_string_equal(options.token_file, "t");
	assert_string_equal(options.retain.dir, "");

	parse_good(retain, NULL);
	assert_string_equal(options.retain.dir, "/var/x");
	assert_int_equal(options.retain.bytes_max, 2 << 20);
	assert_int_equal(options.retain.age_max_ns, 3 * 3600 * SECOND_NS);
	assert_int_equal(options.retain.period_ns, 60 * SECOND_NS);
	parse_good(often, NULL);
	assert_string_equal(options.retain.dir, "y");
	assert_int_equal(options.retain.period_ns, SECOND_NS / 2);
}

/* A value may be `--`; only the one where options end starts a command. */
static void value_of_dashes(void **state)
{
	static const char *const value[ARGS_MAX] = ARGS("-qo", "--");
	static const char *const both[ARGS_MAX] = ARGS("-o", "--", "--", "ls");

	(void)state;
	parse_good(value, NULL);
	assert_int_equal(options.mode, OPTIONS_HOST);
	assert_string_equal(options.output_dir, "--");
	parse_good(both, NULL);
	assert_string_equal(options.output_dir, "--");
	assert_string_equal(options.command[0], "ls");
}

/* What the user asks for and this version has is not refused. */
static void available_by_name(void **state)
{
	static const char *const args[ARGS_MAX] = ARGS(
		"-P", "cpu", "-f", "pprof,folded", "--listen", "off", "-p", "4194304");

	(void)state;
	parse_good(args, NULL);
	assert_int_equal(options.profiles, OPTIONS_CPU);
	assert_int_equal(options.formats, OPTIONS_PPROF | OPTIONS_FOLDED);
	assert_int_equal(options.pids[0], 4194304);
}

static void no_argv0(void **state)
{
	static const char *const args[ARGS_MAX] = {NULL};

	(void)state;
	parse_good(args, NULL);
	assert_int_equal(options.mode, OPTIONS_HOST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(defaults_host, only_this_version),
		cmocka_unit_test_setup(defaults_host_with_everything, everything),
		cmocka_unit_test_setup(defaults_pid, only_this_version),
		cmocka_unit_test_setup(defaults_with_everything, everything),
		cmocka_unit_test_setup(dump_of_threads, everything),
		cmocka_unit_test_setup(wall_clock, everything),
		cmocka_unit_test_setup(command_words, only_this_version),
		cmocka_unit_test_setup(numbers, everything),
		cmocka_unit_test_setup(others, everything),
		cmocka_unit_test_setup(value_of_dashes, only_this_version),
		cmocka_unit_test_setup(available_by_name, only_this_version),
		cmocka_unit_test_setup(no_argv0, only_this_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
