/* Command lines for the tests of options.h. */
#ifndef BPFPROF_TEST_OPTIONS_H
#define BPFPROF_TEST_OPTIONS_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "options.h"

#define ARGS_MAX 16
/* Words after argv[0], which is deliberately not bpfprof: no message may show it. */
#define ARGS(...)                                                                                  \
	{                                                                                          \
		"/opt/other-name", __VA_ARGS__                                                     \
	}

static struct options options;
static char error[OPTIONS_MESSAGE_MAX];

/* options__parse on args up to its first NULL, with the environment's BPFPROF. */
static inline int parse_args(const char *const args[ARGS_MAX], const char *bpfprof_env)
{
	static char *argv[ARGS_MAX + 1]; /* options.command points into it */
	int argc = 0;

	memset(argv, 0, sizeof(argv));
	for (; argc < ARGS_MAX && args[argc]; argc++)
		argv[argc] = (char *)args[argc];
	memset(&options, 0x5a, sizeof(options));
	memset(error, 0x5a, sizeof(error));
	return options__parse(argc, argv, bpfprof_env, &options, error);
}

static inline void parse_good(const char *const args[ARGS_MAX], const char *bpfprof_env)
{
	int err = parse_args(args, bpfprof_env);

	if (err)
		fail_msg("%s", error);
}

/* The line must be line, exactly, and options untouched. */
static inline void parse_bad(
	const char *const args[ARGS_MAX], const char *bpfprof_env, const char *line)
{
	struct options untouched;
	int err = parse_args(args, bpfprof_env);

	memset(&untouched, 0x5a, sizeof(untouched));
	if (!err)
		fail_msg("accepted, expected: %s", line);
	assert_string_equal(error, line);
	assert_int_equal(err, -EINVAL);
	assert_memory_equal(&options, &untouched, sizeof(options));
}

static inline void set_available(int available)
{
	int i;

	for (i = 0; i < FEATURE_CNT; i++)
		options_features[i].available = available || i == FEATURE_CPU ||
						i == FEATURE_PPROF || i == FEATURE_FOLDED;
}

#endif
