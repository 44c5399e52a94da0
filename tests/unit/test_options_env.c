/* BPFPROF: the trace lines in GODEBUG's words. */
#include "test_options.h"

#define MS_NS 1000000ULL

static const char *const host[ARGS_MAX] = ARGS(NULL);
static const char *const pid[ARGS_MAX] = ARGS("-p", "1", "-i", "5s");
static const char *const no_trace[ARGS_MAX] = ARGS("-p", "1", "--no-trace");

struct row {
	const char *env;
	bool sched_lines, heap_lines, sched_detail;
	uint64_t sched_period_ns, heap_period_ns;
};

/* With -p 1 -i 5s and a heap collector. */
static void settings(void **state)
{
	static const struct row rows[] = {
		{NULL, true, true, false, 5000 * MS_NS, 5000 * MS_NS},
		{"", true, true, false, 5000 * MS_NS, 5000 * MS_NS},
		{",,", true, true, false, 5000 * MS_NS, 5000 * MS_NS},
		{"schedtrace=1000,heaptrace=1000,scheddetail=1", true, true, true, 1000 * MS_NS,
			1000 * MS_NS},
		{"schedtrace=10", true, true, false, 10 * MS_NS, 5000 * MS_NS},
		{"heaptrace=86400000,", true, true, false, 5000 * MS_NS, 86400000 * MS_NS},
		{"schedtrace=0", false, true, false, 5000 * MS_NS, 5000 * MS_NS},
		{"heaptrace=0", true, false, false, 5000 * MS_NS, 5000 * MS_NS},
		{"schedtrace=0,schedtrace=20", true, true, false, 20 * MS_NS, 5000 * MS_NS},
		{"schedtrace=20,schedtrace=0", false, true, false, 20 * MS_NS, 5000 * MS_NS},
		{"scheddetail=1,scheddetail=0", true, true, false, 5000 * MS_NS, 5000 * MS_NS},
	};
	size_t i;

	(void)state;
	set_available(1);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		parse_good(pid, rows[i].env);
		assert_int_equal(options.sched_lines, rows[i].sched_lines);
		assert_int_equal(options.heap_lines, rows[i].heap_lines);
		assert_int_equal(options.sched_detail, rows[i].sched_detail);
		assert_int_equal(options.sched_period_ns, rows[i].sched_period_ns);
		assert_int_equal(options.heap_period_ns, rows[i].heap_period_ns);
		assert_int_equal(options.interval_ns, 5000 * MS_NS);
		assert_string_equal(options.warning, "");
	}
}

static void no_trace_wins(void **state)
{
	(void)state;
	set_available(1);
	parse_good(no_trace, "schedtrace=20,heaptrace=30");
	assert_false(options.sched_lines);
	assert_false(options.heap_lines);
	assert_int_equal(options.sched_period_ns, 20 * MS_NS);
	assert_int_equal(options.heap_period_ns, 30 * MS_NS);
}

static void warnings(void **state)
{
	(void)state;
	set_available(0);
	parse_good(host, "foo=1,a\nb,schedtrace=50");
	assert_string_equal(options.warning,
		"BPFPROF: ignored \"foo\" (unknown; known are schedtrace, heaptrace and "
		"scheddetail), \"a\\nb\" (unknown; known are schedtrace, heaptrace and "
		"scheddetail)");
	assert_int_equal(options.sched_period_ns, 50 * MS_NS);

	parse_good(pid, "heaptrace=1000");
	assert_string_equal(
		options.warning, "BPFPROF: ignored \"heaptrace\" (not available in this version)");
	assert_false(options.heap_lines);
	parse_good(pid, "heaptrace=0");
	assert_string_equal(options.warning, "");

	set_available(1);
	parse_good(host, "heaptrace=1000");
	assert_string_equal(options.warning,
		"BPFPROF: ignored \"heaptrace\" (no heap profile is taken; add heap to -P)");
	assert_false(options.heap_lines);

	/* Any number of them is one line of bounded length. */
	parse_good(host, "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,v,w,x,y,z,heaptrace=10");
	assert_int_equal(strlen(options.warning), OPTIONS_MESSAGE_MAX - 1);
}

static void bad_values(void **state)
{
	static const struct {
		const char *env, *line;
	} rows[] = {
		{"schedtrace=abc", "BPFPROF: schedtrace: \"abc\" is not a period in milliseconds; "
				   "give 10 to 86400000, or 0 for off"},
		{"schedtrace", "BPFPROF: schedtrace: \"\" is not a period in milliseconds; "
			       "give 10 to 86400000, or 0 for off"},
		{"heaptrace=", "BPFPROF: heaptrace: \"\" is not a period in milliseconds; "
			       "give 10 to 86400000, or 0 for off"},
		{"heaptrace=9", "BPFPROF: heaptrace: \"9\" is not a period in milliseconds; "
				"give 10 to 86400000, or 0 for off"},
		{"schedtrace=-1", "BPFPROF: schedtrace: \"-1\" is not a period in milliseconds; "
				  "give 10 to 86400000, or 0 for off"},
		{"foo,schedtrace=86400001",
			"BPFPROF: schedtrace: \"86400001\" is not a period in milliseconds; "
			"give 10 to 86400000, or 0 for off"},
		{"schedtrace=1=2", "BPFPROF: schedtrace: \"1=2\" is not a period in milliseconds; "
				   "give 10 to 86400000, or 0 for off"},
		{"scheddetail=2", "BPFPROF: scheddetail: \"2\" is not 0 or 1"},
		{"scheddetail", "BPFPROF: scheddetail: \"\" is not 0 or 1"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		parse_bad(host, rows[i].env, rows[i].line);
		parse_bad(no_trace, rows[i].env, rows[i].line);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings),
		cmocka_unit_test(no_trace_wins),
		cmocka_unit_test(warnings),
		cmocka_unit_test(bad_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
