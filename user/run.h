/* SPDX-License-Identifier: GPL-2.0 */
/* One run of bpfprof, from the parsed options to its exit status. */
#ifndef BPFPROF_RUN_H
#define BPFPROF_RUN_H

#include "collect/shared.h"
#include "options.h"

#define EXIT_RUN_TIME 1
#define EXIT_USAGE    2

/* Logs every failure. Returns the exit status. */
int run(const struct options *options, const struct shared_sizes *sizes);

#endif
