/* SPDX-License-Identifier: GPL-2.0 */
/* A profile as the texts of Go's debug=1 and debug=2, which pprof still reads (google/pprof, profile/legacy_profile.go). */
#ifndef OUTPUT_LEGACY_H
#define OUTPUT_LEGACY_H

#include <stdio.h>

#include "output/source.h"

/* debug=1: a line of values and addresses a stack, then its functions behind '#'. name: what the profile is called in its
 * first line ("threads", or "goroutine" for those who ask for that). 0 or -errno. */
int legacy__write(const struct output_source *source, const char *name, FILE *out);
/* debug=2: a paragraph a stack, as Go prints goroutines. Of counts of threads only; others are as with 1. */
int legacy__write_stacks(const struct output_source *source, const char *name, FILE *out);

#endif
