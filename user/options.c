/* What the command line and BPFPROF ask for: the command, defaults by mode, and what has no effect. */
#include "options.h"
#include "options_env.h"
#include "options_parser.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TOP_CNT 20 /* functions, where no number is given */

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
	err = parser__value(parser, key, arg);
	if (key == OPTION_CHECK)
		parser->options.action = OPTIONS_CHECK;
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
		return parser__refuse(
			parser, "--: no command after it; give one, e.g. bpfprof -- xz -9 FILE");
	log__escape(quoted, sizeof(quoted), *command);
	if (!**command)
		return parser__refuse(parser,
			"the command is an empty word; give one, e.g. bpfprof -- xz "
			"-9 FILE");
	if (!marked && !(*command)[strspn(*command, "0123456789,")])
		return parser__refuse(parser,
			"\"%s\" is not an option; a process is --pid %s, a number of "
			"functions --top=%s",
			quoted, quoted, quoted);
	if (parser->options.pid_cnt)
		return parser__refuse(parser,
			"--pid and the command \"%s\" exclude each other; give one of "
			"them",
			quoted);
	parser->options.command = command;
	return 0;
}

/* --check tries everything, whatever a run would be asked for. */
static int check_is_alone(struct parser *parser)
{
	int key;

	for (key = 0; key <= OPTION_VERSION; key++)
		if (parser->given[key] && key != OPTION_CHECK)
			return parser__refuse(parser, "--check goes alone; leave --%s out",
				options_table__name(key));
	if (parser->options.command)
		return parser__refuse(parser, "--check runs no command; leave it out");
	return 0;
}

/* Options that are right by themselves and have no effect beside the others. */
static int check_effects(struct parser *parser)
{
	const struct options *options = &parser->options;
	const bool *given = parser->given;

	if (given[OPTION_QUIET] && given[OPTION_VERBOSE])
		return parser__refuse(
			parser, "--quiet and --verbose exclude each other; give one of them");
	if (given[OPTION_FREQUENCY] && !(options->profiles & (OPTIONS_CPU | OPTIONS_WALL)))
		return parser__refuse(
			parser, "--frequency: no cpu or wall profile is taken; add cpu to -P");
	if (given[OPTION_HEAP_RATE] && !(options->profiles & OPTIONS_HEAP))
		return parser__refuse(
			parser, "--heap-rate: no heap profile is taken; add heap to -P");
	if (given[OPTION_RETAIN] &&
		!(options->profiles & ~(OPTIONS_THREADS | OPTIONS_THREADCREATE)))
		return parser__refuse(
			parser, "--retain: no profile that counts is taken; add cpu to -P");
	if (given[OPTION_LINGER] && options->listen.kind == ADDRESS_OFF)
		return parser__refuse(parser, "--linger: HTTP is off; add --listen 127.0.0.1:6060");
	if (given[OPTION_LISTEN_TOKEN_FILE] && options->listen.kind == ADDRESS_OFF)
		return parser__refuse(
			parser, "--listen-token-file: HTTP is off; add --listen 127.0.0.1:6060");
	if (given[OPTION_FORMAT] && !options->output_dir)
		return parser__refuse(parser,
			"--format: for the whole host nothing is written unless -o "
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
				    parser__available(FEATURE_CPU, FEATURE_PROFILE_CNT);
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
		parser__refuse(
			parser, "no memory to read the command line; free some and try again");
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
				.max_memory_bytes = 192 << 20,
				.symbol_cache_bytes = 32 << 20,
			},
		.error = error,
		.argv = argv,
	};
	int err;

	error[0] = '\0';
	err = parse_argv(argc, &parser);
	if (err || parser.options.action == OPTIONS_HELP ||
		parser.options.action == OPTIONS_PRINT_VERSION)
		goto out;
	err = find_command(&parser);
	if (!err && parser.options.action == OPTIONS_CHECK)
		err = check_is_alone(&parser);
	if (err || parser.options.action == OPTIONS_CHECK)
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
