/* SPDX-License-Identifier: GPL-2.0 */
/* The hottest functions of a profile, as `go tool pprof -top` prints them. */
#ifndef OUTPUT_TOP_H
#define OUTPUT_TOP_H

#include <stdio.h>

#include "output/source.h"

/* By flat value; node_max: at most this many lines, 0: all. Functions below 0.5 % of the total are
 * left out, and the header counts them, as pprof does. Names are escaped for a terminal. 0 or
 * -errno. */
int top__write(const struct output_source *source, size_t node_max, FILE *out);

#endif
