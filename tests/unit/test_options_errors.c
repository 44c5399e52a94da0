/* Command lines that are refused, each with its exact line. */
#include "test_options.h"

struct row {
	const char *args[ARGS_MAX], *line;
};

#define PID_GIVE      "give 1 to 4194304, separated by commas, e.g. -p 4242"
#define DURATION_GIVE "give seconds or a unit of us, ms, s, m, h, up to 87600h, e.g. -d 10s"
#define INTERVAL_GIVE "give 10ms to 24h, e.g. -i 1s"
#define HZ_GIVE       "give 1 to 10000, e.g. -F 99"
#define PROFILES_GIVE                                                                              \
	"give some of cpu,heap,block,mutex,threads,sched,threadcreate,wall,faults, e.g. -P cpu"
#define FORMAT_GIVE   "give some of pprof,folded,html, e.g. -f pprof"
#define TOP_GIVE      "give 0 to 100000, e.g. --top=20"
#define CACHE_GIVE    "give 0 to 64G, e.g. --symbol-cache 32M"
#define RATE_GIVE     "give 1 to 1024G, e.g. --heap-rate 512K"
#define MEMORY_GIVE   "give 0 or 1M to 64G, e.g. --max-memory 192M"
#define OVERHEAD_GIVE "give 0.1 to 100, e.g. --max-overhead 5"
#define LINGER_GIVE   "give 0 to 24h, e.g. --linger 60s"
#define RETAIN_NOT                                                                                 \
	" is not a directory, a size and an age; give DIR,SIZE,AGE with 64K to 1024G and 1s to "   \
	"87600h, e.g. --retain /var/lib/bpfprof,1G,24h"
#define LISTEN_GIVE "give host:port, [IPv6]:port, unix:PATH or off, e.g. --listen 127.0.0.1:6060"

static const struct row value_rows[] = {
	{ARGS("-p", ""), "--pid: empty where a value should be; " PID_GIVE},
	{ARGS("-p", "1,"), "--pid: empty where a value should be; " PID_GIVE},
	{ARGS("-p", ",1"), "--pid: empty where a value should be; " PID_GIVE},
	{ARGS("-p", "abc"), "--pid: \"abc\" is not a process id; " PID_GIVE},
	{ARGS("-p", "12 13"), "--pid: \"12 13\" is not a process id; " PID_GIVE},
	{ARGS("-p", "-1"), "--pid: \"-1\" is not a process id; " PID_GIVE},
	{ARGS("-p", "0"), "--pid: \"0\" is out of range; " PID_GIVE},
	{ARGS("-p", "4194305"), "--pid: \"4194305\" is out of range; " PID_GIVE},
	{ARGS("-p", "99999999999999999999"),
		"--pid: \"99999999999999999999\" is out of range; " PID_GIVE},
	{ARGS("-p", "7,8,7"), "--pid: \"7\" is given twice; name it once"},
	{ARGS("-p", "7", "-p", "07"), "--pid: \"07\" is given twice; name it once"},
	{ARGS("-d", "abc"), "--duration: \"abc\" is not a time; " DURATION_GIVE},
	{ARGS("-d", ""), "--duration: \"\" is not a time; " DURATION_GIVE},
	{ARGS("-d", "-5"), "--duration: \"-5\" is not a time; " DURATION_GIVE},
	{ARGS("-d", "5 s"), "--duration: \"5 s\" is not a time; " DURATION_GIVE},
	{ARGS("-d", "1m30s"), "--duration: \"1m30s\" is not a time; " DURATION_GIVE},
	{ARGS("-d", "87601h"), "--duration: \"87601h\" is out of range; " DURATION_GIVE},
	{ARGS("-d", "0.0000000001"),
		"--duration: \"0.0000000001\" is out of range; " DURATION_GIVE},
	{ARGS("-i", "x"), "--interval: \"x\" is not a time; " INTERVAL_GIVE},
	{ARGS("-i", "0"), "--interval: \"0\" is out of range; " INTERVAL_GIVE},
	{ARGS("-i", "9ms"), "--interval: \"9ms\" is out of range; " INTERVAL_GIVE},
	{ARGS("-i", "24.1h"), "--interval: \"24.1h\" is out of range; " INTERVAL_GIVE},
	{ARGS("-F", "abc"), "--frequency: \"abc\" is not a number of samples a second; " HZ_GIVE},
	{ARGS("-F", "1.5"), "--frequency: \"1.5\" is not a number of samples a second; " HZ_GIVE},
	{ARGS("-F", "0"), "--frequency: \"0\" is out of range; " HZ_GIVE},
	{ARGS("--frequency=10001"), "--frequency: \"10001\" is out of range; " HZ_GIVE},
	{ARGS("-P", "cpu,gpu"), "--profiles: \"gpu\" is not a profile; " PROFILES_GIVE},
	{ARGS("-P", "CPU"), "--profiles: \"CPU\" is not a profile; " PROFILES_GIVE},
	{ARGS("-P", "cpu, heap"), "--profiles: \" heap\" is not a profile; " PROFILES_GIVE},
	{ARGS("-P", ""), "--profiles: empty where a value should be; " PROFILES_GIVE},
	{ARGS("-P", "cpu,,heap"), "--profiles: empty where a value should be; " PROFILES_GIVE},
	{ARGS("-P", "cpu,cpu"), "--profiles: \"cpu\" is given twice; name it once"},
	{ARGS("-P", "cpu", "-P", "cpu"), "--profiles: \"cpu\" is given twice; name it once"},
	{ARGS("-f", "svg"), "--format: \"svg\" is not a format; " FORMAT_GIVE},
	{ARGS("-f", ","), "--format: empty where a value should be; " FORMAT_GIVE},
	{ARGS("-f", "pprof,pprof"), "--format: \"pprof\" is given twice; name it once"},
	{ARGS("-o", ""), "--output: empty where a value should be; give one, e.g. -o ."},
	{ARGS("--top="), "--top: \"\" is not a number of functions; " TOP_GIVE},
	{ARGS("--top=-1"), "--top: \"-1\" is not a number of functions; " TOP_GIVE},
	{ARGS("--top=100001"), "--top: \"100001\" is out of range; " TOP_GIVE},
	{ARGS("--heap-rate=0"), "--heap-rate: \"0\" is out of range; " RATE_GIVE},
	{ARGS("--heap-rate=1025G"), "--heap-rate: \"1025G\" is out of range; " RATE_GIVE},
	{ARGS("--heap-rate=512KB"), "--heap-rate: \"512KB\" is not a number of bytes; " RATE_GIVE},
	{ARGS("--max-overhead=0"), "--max-overhead: \"0\" is out of range; " OVERHEAD_GIVE},
	{ARGS("--max-overhead=101"), "--max-overhead: \"101\" is out of range; " OVERHEAD_GIVE},
	{ARGS("--max-overhead=x"), "--max-overhead: \"x\" is not a percentage; " OVERHEAD_GIVE},
	{ARGS("--max-memory=1023K"), "--max-memory: \"1023K\" is out of range; " MEMORY_GIVE},
	{ARGS("--max-memory=65G"), "--max-memory: \"65G\" is out of range; " MEMORY_GIVE},
	{ARGS("--max-memory=x"), "--max-memory: \"x\" is not a number of bytes; " MEMORY_GIVE},
	{ARGS("--symbol-cache=65G"), "--symbol-cache: \"65G\" is out of range; " CACHE_GIVE},
	{ARGS("--symbol-cache=x"), "--symbol-cache: \"x\" is not a number of bytes; " CACHE_GIVE},
	{ARGS("--listen", "6060"), "--listen: \"6060\" is not an address; " LISTEN_GIVE},
	{ARGS("--listen", "a:65536"), "--listen: \"a:65536\" is out of range; " LISTEN_GIVE},
	{ARGS("--linger", "x"), "--linger: \"x\" is not a time; " LINGER_GIVE},
	{ARGS("--linger", "25h"), "--linger: \"25h\" is out of range; " LINGER_GIVE},
	{ARGS("--retain", "d"), "--retain: \"d\"" RETAIN_NOT},
	{ARGS("--retain", "d,1G"), "--retain: \"d,1G\"" RETAIN_NOT},
	{ARGS("--retain", ",1G,1h"), "--retain: \"\"" RETAIN_NOT},
	{ARGS("--retain", "d,x,1h"), "--retain: \"x\"" RETAIN_NOT},
	{ARGS("--retain", "d,1G,1h,60s,x"), "--retain: \"x\"" RETAIN_NOT},
	{ARGS("--retain", "d,1K,1h"),
		"--retain: \"1K\" is out of range; give DIR,SIZE,AGE with 64K to 1024G and 1s to 87600h, "
		"e.g. --retain /var/lib/bpfprof,1G,24h"},
	{ARGS("--listen-token-file="), "--listen-token-file: empty where a value should be; give "
				       "one that root alone can read"},
};

static const struct row form_rows[] = {
	{ARGS("--foo"), "unknown option \"--foo\"; see bpfprof --help"},
	{ARGS("--foo=bar"), "unknown option \"--foo\"; see bpfprof --help"},
	{ARGS("--=bar"),
		"option \"--\" is ambiguous: --pid or --duration or --profiles or "
		"--wall or --frequency or --heap-rate or --max-overhead or --max-memory or --output or --format or "
		"--top or --listen or --linger or --listen-token-file or --retain or --symbol-cache or --debuginfod or --interval or --no-trace or --stats or --quiet or "
		"--verbose or --check or --help or --version"},
	{ARGS("-h"), "unknown option \"-h\"; see bpfprof --help"},
	{ARGS("-?"), "unknown option \"-?\"; see bpfprof --help"},
	{ARGS("--usage"), "unknown option \"--usage\"; see bpfprof --help"},
	{ARGS("-vxq"), "unknown option \"-x\"; see bpfprof --help"},
	{ARGS("--stats", "-vx"), "unknown option \"-x\"; see bpfprof --help"},
	{ARGS("--stats", "-xv"), "unknown option \"-x\"; see bpfprof --help"},
	{ARGS("-d", "5", "-\n"), "unknown option \"-\\n\"; see bpfprof --help"},
	{ARGS("--a\x1b[31m\nb"), "unknown option \"--a\\x1b[31m\\nb\"; see bpfprof --help"},
	{ARGS("--p", "1"), "option \"--p\" is ambiguous: --pid or --profiles"},
	{ARGS("--ver"), "option \"--ver\" is ambiguous: --verbose or --version"},
	{ARGS("-d"), "--duration: no value; " DURATION_GIVE},
	{ARGS("-qd"), "--duration: no value; " DURATION_GIVE},
	{ARGS("-q", "--dur"), "--duration: no value; " DURATION_GIVE},
	{ARGS("--pid"), "--pid: no value; " PID_GIVE},
	{ARGS("--stats=3"), "--stats takes no value; see bpfprof --help"},
	{ARGS("--help=me"), "--help takes no value; see bpfprof --help"},
	{ARGS("--foo", "--help"), "unknown option \"--foo\"; see bpfprof --help"},
	{ARGS("--"), "--: no command after it; give one, e.g. bpfprof -- xz -9 FILE"},
	{ARGS("--", ""), "the command is an empty word; give one, e.g. bpfprof -- xz -9 FILE"},
	{ARGS(""), "the command is an empty word; give one, e.g. bpfprof -- xz -9 FILE"},
	{ARGS("--top", "5"), "\"5\" is not an option; a process is --pid 5, a number of functions "
			     "--top=5"},
	{ARGS("--pid", "1", "2"), "\"2\" is not an option; a process is --pid 2, a number of "
				  "functions --top=2"},
	{ARGS("--pid", "1", "--", "xz", "f"),
		"--pid and the command \"xz\" exclude each other; give one of them"},
	{ARGS("--check", "true"), "--check runs no command; leave it out"},
	{ARGS("--check", "--", "xz", "f"), "--check runs no command; leave it out"},
	{ARGS("--check", "--"), "--: no command after it; give one, e.g. bpfprof -- xz -9 FILE"},
	{ARGS("--check", "-P", "cpu"), "--check goes alone; leave --profiles out"},
	{ARGS("-v", "--check"), "--check goes alone; leave --verbose out"},
	{ARGS("-q", "-v"), "--quiet and --verbose exclude each other; give one of them"},
	{ARGS("-f", "folded"), "--format: for the whole host nothing is written unless -o says "
			       "where; add -o DIR"},
};

static const struct row unavailable_rows[] = {
	{ARGS("--wall"), "--wall: it is not available in this version; leave it out"},
	{ARGS("-P", "heap"), "--profiles: heap is not available in this version; use -P cpu"},
	{ARGS("-P", "cpu,threads,block"),
		"--profiles: block,threads are not available in this version; use -P cpu"},
	{ARGS("-P", "mutex"), "--profiles: mutex is not available in this version; use -P cpu"},
	{ARGS("-f", "html"),
		"--format: html is not available in this version; use -f pprof,folded"},
	{ARGS("--listen", "127.0.0.1:6060"),
		"--listen: HTTP is not available in this version; use --listen off"},
	{ARGS("--listen", "unix:x"),
		"--listen: HTTP is not available in this version; use --listen off"},
	{ARGS("--heap-rate", "1"),
		"--heap-rate: heap is not available in this version; leave --heap-rate out"},
	{ARGS("--max-overhead", "5"),
		"--max-overhead: it is not available in this version; leave it out"},
};

static const struct row effect_rows[] = {
	{ARGS("-P", "heap", "-F", "99"),
		"--frequency: no cpu or wall profile is taken; add cpu to -P"},
	{ARGS("-P", "cpu", "-p", "1", "--heap-rate", "1"),
		"--heap-rate: no heap profile is taken; add heap to -P"},
	{ARGS("--heap-rate", "1"), "--heap-rate: no heap profile is taken; add heap to -P"},
	{ARGS("-p", "1", "--linger", "1s"), "--linger: HTTP is off; add --listen 127.0.0.1:6060"},
	{ARGS("-P", "threads", "--retain", "d,1G,1h"),
		"--retain: no profile that counts is taken; add cpu to -P"},
	{ARGS("--listen", "off", "--listen-token-file", "t"),
		"--listen-token-file: HTTP is off; add --listen 127.0.0.1:6060"},
};

static void check_rows(const struct row *rows, size_t cnt)
{
	size_t i;

	for (i = 0; i < cnt; i++)
		parse_bad(rows[i].args, NULL, rows[i].line);
}

static void values(void **state)
{
	(void)state;
	set_available(0);
	check_rows(value_rows, sizeof(value_rows) / sizeof(value_rows[0]));
	set_available(1);
	check_rows(value_rows, sizeof(value_rows) / sizeof(value_rows[0]));
}

static void forms(void **state)
{
	(void)state;
	set_available(0);
	check_rows(form_rows, sizeof(form_rows) / sizeof(form_rows[0]));
}

static void unavailable(void **state)
{
	(void)state;
	set_available(0);
	check_rows(unavailable_rows, sizeof(unavailable_rows) / sizeof(unavailable_rows[0]));
}

static void no_effect(void **state)
{
	(void)state;
	set_available(1);
	check_rows(effect_rows, sizeof(effect_rows) / sizeof(effect_rows[0]));
}

static void too_many_pids(void **state)
{
	static char list[OPTIONS_PIDS_MAX * 8];
	const char *const args[ARGS_MAX] = ARGS("-p", list);
	size_t len = 0;
	int pid;

	(void)state;
	for (pid = 1; pid <= OPTIONS_PIDS_MAX; pid++)
		len += snprintf(list + len, sizeof(list) - len, "%s%d", pid > 1 ? "," : "", pid);
	parse_good(args, NULL);
	assert_int_equal(options.pid_cnt, OPTIONS_PIDS_MAX);
	assert_int_equal(options.pids[OPTIONS_PIDS_MAX - 1], OPTIONS_PIDS_MAX);

	snprintf(list + len, sizeof(list) - len, ",%d", pid);
	parse_bad(args, NULL,
		"--pid: more than 1024 process ids; leave --pid out to profile the whole host");
}

/* A value of any length makes a line of bounded length that still says what to do. */
static void long_value(void **state)
{
	static char value[100000];
	const char *const args[ARGS_MAX] = ARGS("-F", value);
	const char *const option[ARGS_MAX] = ARGS(value);

	(void)state;
	memset(value, '\x1b', sizeof(value) - 1);
	assert_int_equal(parse_args(args, NULL), -EINVAL);
	assert_non_null(strstr(error, "...\" is not a number of samples a second; " HZ_GIVE));
	memset(value, '-', sizeof(value) - 1);
	assert_int_equal(parse_args(option, NULL), -EINVAL);
	assert_non_null(strstr(error, "...\"; see bpfprof --help"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values),
		cmocka_unit_test(forms),
		cmocka_unit_test(unavailable),
		cmocka_unit_test(no_effect),
		cmocka_unit_test(too_many_pids),
		cmocka_unit_test(long_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
