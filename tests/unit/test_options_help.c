/* --help and --version: complete, and first among errors that follow them. */
#include "test_options.h"

#include <stdlib.h>

static char *capture(int (*print_to)(FILE *out))
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(print_to(out), 0);
	fclose(out);
	return text;
}

/* Every option of DESIGN.md 1.1's table, in its order, and what else a reader looks for. */
static void help_is_complete(void **state)
{
	static const char *const words[] = {"-p, --pid=LIST", "-d, --duration=TIME",
		"-i, --interval=TIME", "-F, --frequency=HZ", "-P, --profiles=LIST",
		"-o, --output=DIR", "-f, --format=LIST", "--top[=N]", "--heap-rate=BYTES",
		"--max-overhead=PCT", "--max-memory=BYTES", "(default: 192M)", "--listen=ADDR",
		"--linger=TIME", "--listen-token-file=FILE", "--retain=DIR,SIZE,AGE", "--check",
		"--symbol-cache=BYTES", "--debuginfod", "(default: 32M)", "DEBUGINFOD_URLS",
		"--no-trace", "--stats", "-q, --quiet", "-v, --verbose", "--version", "--help",
		"cpu,heap,block,mutex,threads,sched", "threadcreate,wall,faults", "--wall",
		"pprof,folded,html", "(default: 99)", "(default: 1s)", "(default: 524288)",
		"127.0.0.1:6060", "Examples:", "BPFPROF=", "schedtrace=MS", "heaptrace=MS",
		"scheddetail=1", "SIGINT", "SIGTERM", "SIGUSR1", "SIGUSR2",
		"Exit status:", "128+N"};
	char *text = capture(options__print_help), *line, *save;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strstr(text, words[i]))
			fail_msg("--help does not show %s", words[i]);
	assert_int_equal(strncmp(text, "Usage: bpfprof [OPTION...]", 26), 0);
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (strlen(line) > 79)
			fail_msg("wider than a terminal: %s", line);
	free(text);
}

/* The user's layout changes nothing. Runs first: argp reads the variable once. */
static void help_ignores_layout(void **state)
{
	char *text;

	(void)state;
	setenv("ARGP_HELP_FMT", "opt-doc-col=60,rubbish", 1);
	text = capture(options__print_help);
	assert_non_null(strstr(text, "      --no-trace             no SCHED and heap lines\n"));
	assert_null(strstr(text, "Mandatory or optional arguments"));
	free(text);
}

static void help_names_what_is_missing(void **state)
{
	char *text;

	(void)state;
	set_available(0);
	text = capture(options__print_help);
	assert_non_null(strstr(text,
		"Not available in this version, nor part of its defaults: heap with --heap-rate,\n"
		"block, mutex, threads, sched, threadcreate, wall, faults, html, --listen,\n--max-overhead\n"));
	free(text);
	set_available(1);
	text = capture(options__print_help);
	assert_null(strstr(text, "Not available"));
	free(text);
}

static void version(void **state)
{
	char *text = capture(options__print_version);

	(void)state;
	assert_string_equal(text, "bpfprof " BPFPROF_VERSION "\n");
	free(text);
}

static void actions(void **state)
{
	static const struct {
		const char *args[ARGS_MAX];
		enum options_action action;
	} rows[] = {
		{ARGS("--help"), OPTIONS_HELP},
		{ARGS("--version"), OPTIONS_PRINT_VERSION},
		{ARGS("--hel"), OPTIONS_HELP},
		{ARGS("-q", "-v", "--help", "--foo", "-d"), OPTIONS_HELP},
		{ARGS("--version", "--help"), OPTIONS_PRINT_VERSION},
		{ARGS("-p", "1", "--help", "xz"), OPTIONS_HELP},
		{ARGS("--check"), OPTIONS_CHECK},
		{ARGS("--check", "--help", "xz"), OPTIONS_HELP},
		{ARGS("xz", "--help"), OPTIONS_RUN},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		parse_good(rows[i].args,
			i + 1 < sizeof(rows) / sizeof(rows[0]) ? "schedtrace=x" : NULL);
		assert_int_equal(options.action, rows[i].action);
	}
}

static void full_disk(void **state)
{
	FILE *out = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(out);
	assert_int_equal(options__print_help(out), -ENOSPC);
	fclose(out);
	out = fopen("/dev/full", "w");
	assert_non_null(out);
	assert_int_equal(options__print_version(out), -ENOSPC);
	fclose(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(help_ignores_layout),
		cmocka_unit_test(help_is_complete),
		cmocka_unit_test(help_names_what_is_missing),
		cmocka_unit_test(version),
		cmocka_unit_test(actions),
		cmocka_unit_test(full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
