/* SPDX-License-Identifier: GPL-2.0 */
/* A profile as one HTML file that opens offline: an interactive flame graph. */
#ifndef OUTPUT_HTML_H
#define OUTPUT_HTML_H

#include <stdio.h>

#include "output/source.h"

/* 0 or -errno; out is flushed when it returns 0. */
int html__write(const struct output_source *source, FILE *out);

#endif
