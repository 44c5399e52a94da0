/* SPDX-License-Identifier: GPL-2.0 */
/* A profile as pprof's gzip'ed profile.proto. */
#ifndef OUTPUT_PPROF_H
#define OUTPUT_PPROF_H

#include <stdio.h>

#include "output/source.h"

/* Equal profiles give equal bytes. 0, -ENOMEM, or -errno of writing to out. */
int pprof__write(const struct output_source *source, FILE *out);

#endif
