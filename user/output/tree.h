/* SPDX-License-Identifier: GPL-2.0 */
/* A profile as one tree of calls in JSON, as flame graphs want it. */
#ifndef OUTPUT_TREE_H
#define OUTPUT_TREE_H

#include <stdio.h>

#include "output/source.h"

/*
 * {"kind":..., "type":..., "unit":..., "time_ns":..., "duration_ns":..., "period":..., "samples":..., "types":[...],
 *  "comments":[...], "root":{"name":"all", "file":"", "value":N, "self":N, "children":[...]}}
 * Root first; below it a level of processes ("comm (pid)") when there are several. file: the source file of a function, or
 * what it is mapped from. type: index of the sample type. A profile of more than TREE_NODES_MAX nodes keeps totals, and
 * what was cut off is named "[cut]". 0 or -errno.
 */
#define TREE_NODES_MAX 200000
int tree__write(const struct output_source *source, unsigned int type, FILE *out);

#endif
