/* BPFPROF in the environment: the trace lines in GODEBUG's words, as options.h describes. */
#ifndef BPFPROF_OPTIONS_ENV_H
#define BPFPROF_OPTIONS_ENV_H

#include "options.h"

/*
 * Puts what env, the value of BPFPROF, says over the trace fields of options, whose profiles are
 * final, and what has no effect into options->warning. Returns 0, or -EINVAL with the line to log in
 * error, OPTIONS_MESSAGE_MAX bytes.
 */
int options_env__apply(const char *env, struct options *options, char *error);

#endif
