/* SPDX-License-Identifier: GPL-2.0 */
/* A profile as folded stacks, what flamegraph.pl, inferno and speedscope read. */
#ifndef OUTPUT_FOLDED_H
#define OUTPUT_FOLDED_H

#include <stdio.h>

#include "output/source.h"

/* One line a distinct stack, sorted: "comm;root;...;leaf value", the value being the profile's
 * default one. Kernel frames end in "_[k]" as stackcollapse-perf.pl --kernel has them. Stacks whose
 * value is 0 are left out. 0 or -errno. */
int folded__write(const struct output_source *source, FILE *out);

#endif
