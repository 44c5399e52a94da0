/* SPDX-License-Identifier: GPL-2.0 */
/* A profile as the text of Go's debug=1, which pprof still reads (google/pprof, profile/legacy_profile.go). */
#ifndef OUTPUT_LEGACY_H
#define OUTPUT_LEGACY_H

#include <stdio.h>

#include "output/source.h"

/* debug=1: a line of values and addresses a stack, then its functions behind '#'. name: what the profile is called in its
 * first line ("threads", or "goroutine" for those who ask for that). 0 or -errno. */
int legacy__write(const struct output_source *source, const char *name, FILE *out);

#endif
