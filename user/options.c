/* What the command line and BPFPROF ask for: values, defaults by mode, and what is refused. */
#include "options.h"
#include "options_env.h"
#include "options_table.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define MS_NS           1000000ULL
#define INTERVAL_MIN_NS (10 * MS_NS)
#define INTERVAL_MAX_NS (24 * 3600 * 1000 * MS_NS)
#define DURATION_MAX_NS (87600ULL * 3600 * 1000 * MS_NS)
#define TOP_CNT         20  /* functions, where no number is given */
#define QUOTED_MAX      128 /* bytes of a value that a message shows */

struct parser {
	struct options options;
	char *error;
	char **argv;
	int option_idx;                 /* of the argument that getopt reads next */
	bool given[OPTION_VERSION + 1]; /* by key */
};

__attribute__((format(printf, 2, 3))) static int refuse(struct parser *parser, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(parser->error, OPTIONS_MESSAGE_MAX, fmt, args);
	va_end(args);
	return -EINVAL;
}

/* Refuses a value, or a member of a list, with the words of its option. 0 passes. */
static int check_value(struct parser *parser, int key, struct span bad, int err)
{
	const struct option_words *words = options_table__words(key);
	const char *name = options_table__name(key);
	char quoted[QUOTED_MAX];

	log__escape_n(quoted, sizeof(quoted), bad.at, bad.len);
	switch (err) {
	case 0:
		return 0;
	case -ENODATA:
		return refuse(
			parser, "--%s: empty where a value should be; give %s", name, words->give);
	case -EEXIST:
		return refuse(parser, "--%s: \"%s\" is given twice; name it once", name, quoted);
	case -E2BIG:
		return refuse(parser,
			"--%s: more than %d process ids; leave --%s out to profile "
			"the whole host",
			name, OPTIONS_PIDS_MAX, name);
	case -ERANGE:
		return refuse(
			parser, "--%s: \"%s\" is out of range; give %s", name, quoted, words->give);
	default:
		return refuse(parser, "--%s: \"%s\" is not %s; give %s", name, quoted, words->what,
			words->give);
	}
}

/* Names of the features in first..first+cnt whose bit is in set, separated by commas. */
static const char *join_features(char *buf, size_t size, size_t first, size_t cnt, uint32_t set)
{
	size_t i, len = 0;

	buf[0] = '\0';
	for (i = 0; i < cnt && len < size; i++)
		if (set & 1U << i)
			len += snprintf(buf + len, size - len, "%s%s", len ? "," : "",
				options_features[first + i].name);
	return buf;
}

static uint32_t available_features(size_t first, size_t cnt)
{
	uint32_t set = 0;
	size_t i;

	for (i = 0; i < cnt; i++)
		if (options_features[first + i].available)
			set |= 1U << i;
	return set;
}

static int parse_features(
	struct parser *parser, int key, const char *arg, size_t first, size_t cnt, uint32_t *set)
{
	uint32_t available = available_features(first, cnt);
	const char *names[FEATURE_CNT];
	char missing[64], usable[64];
	struct span bad = {"", 0};
	size_t i;
	int err;

	for (i = 0; i < cnt; i++)
		names[i] = options_features[first + i].name;
	err = parse__set(span__of(arg), names, cnt, set, &bad);
	err = check_value(parser, key, bad, err);
	if (err || !(*set & ~available))
		return err;
	join_features(missing, sizeof(missing), first, cnt, *set & ~available);
	join_features(usable, sizeof(usable), first, cnt, available);
	return refuse(parser, "--%s: %s %s not available in this version; use -%c %s",
		options_table__name(key), missing, strchr(missing, ',') ? "are" : "is", key,
		usable);
}

static int parse_address(struct parser *parser, const char *arg)
{
	int err = parse__address(span__of(arg), &parser->options.listen);

	err = check_value(parser, OPTION_LISTEN, span__of(arg), err);
	if (err || parser->options.listen.kind == ADDRESS_OFF ||
		options_features[FEATURE_LISTEN].available)
		return err;
	return refuse(parser, "--listen: HTTP is not available in this version; use --listen off");
}

static int parse_heap_rate(struct parser *parser, const char *arg)
{
	struct span text = span__of(arg);
	int err = parse__bytes(text, 1, 1ULL << 40, &parser->options.heap_rate_bytes);

	err = check_value(parser, OPTION_HEAP_RATE, text, err);
	if (err || options_features[FEATURE_HEAP].available)
		return err;
	return refuse(parser, "--heap-rate: heap is not available in this version; leave "
			      "--heap-rate out");
}

static int parse_max_overhead(struct parser *parser, const char *arg)
{
	struct span text = span__of(arg);
	uint64_t ppm = 0;
	int err = parse__percent(text, 1000, 1000000, &ppm);

	parser->options.max_overhead_ppm = ppm;
	err = check_value(parser, OPTION_MAX_OVERHEAD, text, err);
	if (err || options_features[FEATURE_MAX_OVERHEAD].available)
		return err;
	return refuse(parser, "--max-overhead: it is not available in this version; leave it out");
}

static int parse_pids(struct parser *parser, const char *arg)
{
	struct options *options = &parser->options;
	struct span bad = {"", 0};
	int err = parse__pids(
		span__of(arg), options->pids, OPTIONS_PIDS_MAX, &options->pid_cnt, &bad);

	return check_value(parser, OPTION_PID, bad, err);
}

static int parse_count(struct parser *parser, int key, const char *arg, uint64_t min, uint64_t max,
	unsigned int *ret)
{
	uint64_t number = 0;
	int err = parse__number(span__of(arg), min, max, &number);

	*ret = number;
	return check_value(parser, key, span__of(arg), err);
}

static int parse_output(struct parser *parser, const char *arg)
{
	parser->options.output_dir = arg;
	return check_value(parser, OPTION_OUTPUT, span__of(arg), *arg ? 0 : -ENODATA);
}

static int parse_token_file(struct parser *parser, const char *arg)
{
	parser->options.token_file = arg;
	return check_value(parser, OPTION_LISTEN_TOKEN_FILE, span__of(arg), *arg ? 0 : -ENODATA);
}

static int parse_value(struct parser *parser, int key, const char *arg)
{
	struct options *options = &parser->options;
	int err;

	switch (key) {
	case OPTION_PID:
		return parse_pids(parser, arg);
	case OPTION_DURATION:
		err = parse__time(span__of(arg), 0, DURATION_MAX_NS, &options->duration_ns);
		return check_value(parser, key, span__of(arg), err);
	case OPTION_INTERVAL:
		err = parse__time(
			span__of(arg), INTERVAL_MIN_NS, INTERVAL_MAX_NS, &options->interval_ns);
		return check_value(parser, key, span__of(arg), err);
	case OPTION_FREQUENCY:
		return parse_count(parser, key, arg, 1, 10000, &options->frequency_hz);
	case OPTION_PROFILES:
		return parse_features(
			parser, key, arg, FEATURE_CPU, FEATURE_PROFILE_CNT, &options->profiles);
	case OPTION_FORMAT:
		return parse_features(
			parser, key, arg, FEATURE_PPROF, FEATURE_FORMAT_CNT, &options->formats);
	case OPTION_OUTPUT:
		return parse_output(parser, arg);
	case OPTION_TOP:
		return arg ? parse_count(parser, key, arg, 0, 100000, &options->top_cnt) : 0;
	case OPTION_HEAP_RATE:
		return parse_heap_rate(parser, arg);
	case OPTION_MAX_OVERHEAD:
		return parse_max_overhead(parser, arg);
	case OPTION_LISTEN:
		return parse_address(parser, arg);
	case OPTION_SYMBOL_CACHE:
		err = parse__bytes(span__of(arg), 0, 1ULL << 36, &options->symbol_cache_bytes);
		return check_value(parser, key, span__of(arg), err);
	case OPTION_LINGER:
		err = parse__time(span__of(arg), 0, INTERVAL_MAX_NS, &options->linger_ns);
		return check_value(parser, key, span__of(arg), err);
	case OPTION_LISTEN_TOKEN_FILE:
		return parse_token_file(parser, arg);
	case OPTION_WALL:
		return options_features[FEATURE_WALL].available
			       ? 0
			       : refuse(parser, "--wall: it is not available in this version; "
						"leave it out");
	default: /* a flag: given[] says it all */
		return 0;
	}
}

static error_t on_key(int key, char *arg, struct argp_state *state)
{
	struct parser *parser = state->input;
	int err;

	if (key == ARGP_KEY_ARG) {
		state->next = state->argc;
		return 0;
	}
	if (key < 0 || key > OPTION_VERSION)
		return ARGP_ERR_UNKNOWN;
	parser->option_idx = state->next;
	parser->given[key] = true;
	if (key == OPTION_TOP && !arg)
		parser->options.top_cnt = TOP_CNT;
	err = parse_value(parser, key, arg);
	if (key == OPTION_HELP || key == OPTION_VERSION) {
		parser->options.action = key == OPTION_HELP ? OPTIONS_HELP : OPTIONS_PRINT_VERSION;
		parser->option_idx = state->next = state->argc;
	}
	return -err;
}

/* The command starts where getopt stopped, or behind the `--` that stopped it. */
static int find_command(struct parser *parser)
{
	char **command = parser->argv + parser->option_idx;
	char quoted[QUOTED_MAX];
	bool marked;

	if (!*command)
		return 0;
	marked = !strcmp(*command, "--");
	command += marked;
	if (!*command)
		return refuse(
			parser, "--: no command after it; give one, e.g. bpfprof -- xz -9 FILE");
	log__escape(quoted, sizeof(quoted), *command);
	if (!**command)
		return refuse(parser, "the command is an empty word; give one, e.g. bpfprof -- xz "
				      "-9 FILE");
	if (!marked && !(*command)[strspn(*command, "0123456789,")])
		return refuse(parser,
			"\"%s\" is not an option; a process is --pid %s, a number of "
			"functions --top=%s",
			quoted, quoted, quoted);
	if (parser->options.pid_cnt)
		return refuse(parser,
			"--pid and the command \"%s\" exclude each other; give one of "
			"them",
			quoted);
	parser->options.command = command;
	return 0;
}

/* Options that are right by themselves and have no effect beside the others. */
static int check_effects(struct parser *parser)
{
	const struct options *options = &parser->options;
	const bool *given = parser->given;

	if (given[OPTION_QUIET] && given[OPTION_VERBOSE])
		return refuse(parser, "--quiet and --verbose exclude each other; give one of them");
	if (given[OPTION_FREQUENCY] && !(options->profiles & (OPTIONS_CPU | OPTIONS_WALL)))
		return refuse(
			parser, "--frequency: no cpu or wall profile is taken; add cpu to -P");
	if (given[OPTION_HEAP_RATE] && !(options->profiles & OPTIONS_HEAP))
		return refuse(parser, "--heap-rate: no heap profile is taken; add heap to -P");
	if (given[OPTION_LINGER] && options->listen.kind == ADDRESS_OFF)
		return refuse(parser, "--linger: HTTP is off; add --listen 127.0.0.1:6060");
	if (given[OPTION_LISTEN_TOKEN_FILE] && options->listen.kind == ADDRESS_OFF)
		return refuse(
			parser, "--listen-token-file: HTTP is off; add --listen 127.0.0.1:6060");
	if (given[OPTION_FORMAT] && !options->output_dir)
		return refuse(parser, "--format: for the whole host nothing is written unless -o "
				      "says where; add -o DIR");
	return 0;
}

/* What depends on the form and was not given. A default never asks for what is not available. */
static void set_defaults(struct parser *parser)
{
	struct options *options = &parser->options;
	const bool *given = parser->given;
	bool host;

	options->mode = options->command   ? OPTIONS_COMMAND
			: options->pid_cnt ? OPTIONS_PIDS
					   : OPTIONS_HOST;
	host = options->mode == OPTIONS_HOST;
	if (given[OPTION_WALL])
		options->profiles |= OPTIONS_WALL;
	else if (!given[OPTION_PROFILES])
		options->profiles = (host ? OPTIONS_CPU : OPTIONS_CPU | OPTIONS_HEAP) &
				    available_features(FEATURE_CPU, FEATURE_PROFILE_CNT);
	if (!given[OPTION_FORMAT])
		options->formats = OPTIONS_PPROF;
	if (!given[OPTION_OUTPUT] && !host)
		options->output_dir = ".";
	if (!given[OPTION_TOP] && !host)
		options->top_cnt = TOP_CNT;
	if (!given[OPTION_LISTEN] && host && options_features[FEATURE_LISTEN].available) {
		parse__address(span__of("127.0.0.1:6060"), &options->listen);
		options->listen_is_default = true;
	}
	options->dump_threads = given[OPTION_DURATION] && !options->duration_ns &&
				options->profiles == OPTIONS_THREADS &&
				options->mode != OPTIONS_COMMAND;
	if (options->dump_threads && !given[OPTION_OUTPUT])
		options->output_dir = NULL;
	if (options->dump_threads && !given[OPTION_TOP])
		options->top_cnt = 0;
	options->stats = given[OPTION_STATS];
	options->debuginfod = given[OPTION_DEBUGINFOD];
	options->log_level = given[OPTION_QUIET]     ? LOG_LEVEL_ERROR
			     : given[OPTION_VERBOSE] ? LOG_LEVEL_DEBUG
						     : LOG_LEVEL_INFO;
}

static int set_trace(struct parser *parser, const char *bpfprof_env)
{
	struct options *options = &parser->options;
	int err;

	options->sched_lines = true;
	options->heap_lines = options->profiles & OPTIONS_HEAP;
	options->sched_period_ns = options->heap_period_ns = options->interval_ns;
	err = bpfprof_env ? options_env__apply(bpfprof_env, options, parser->error) : 0;
	if (parser->given[OPTION_NO_TRACE] || options->dump_threads)
		options->sched_lines = options->heap_lines = false;
	return err;
}

static int parse_argv(int argc, struct parser *parser)
{
	const struct argp argp = {.options = options_table, .parser = on_key};
	unsigned int flags = ARGP_NO_ERRS | ARGP_NO_EXIT | ARGP_NO_HELP | ARGP_IN_ORDER;
	error_t err;

	if (argc < 1)
		return 0;
	parser->option_idx = 1;
	err = argp_parse(&argp, argc, parser->argv, flags, NULL, parser);
	if (err == ENOMEM) {
		refuse(parser, "no memory to read the command line; free some and try again");
		return -ENOMEM;
	}
	if (err && !parser->error[0])
		options_table__explain(
			parser->argv[parser->option_idx], parser->error, OPTIONS_MESSAGE_MAX);
	return err ? -EINVAL : 0;
}

int options__parse(int argc, char **argv, const char *bpfprof_env, struct options *ret, char *error)
{
	struct parser parser = {
		.options =
			{
				.interval_ns = 1000 * MS_NS,
				.frequency_hz = 99,
				.heap_rate_bytes = 524288,
				.linger_ns = 60000 * MS_NS,
				.max_overhead_ppm = 50000,
				.symbol_cache_bytes = 32 << 20,
			},
		.error = error,
		.argv = argv,
	};
	int err;

	error[0] = '\0';
	err = parse_argv(argc, &parser);
	if (err || parser.options.action != OPTIONS_RUN)
		goto out;
	err = find_command(&parser);
	if (err)
		goto out;
	set_defaults(&parser);
	err = check_effects(&parser);
	if (!err)
		err = set_trace(&parser, bpfprof_env);
out:
	if (!err)
		*ret = parser.options;
	return err;
}
