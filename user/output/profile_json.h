/* SPDX-License-Identifier: GPL-2.0 */
/* A profile as the JSON that the pages read. */
#ifndef OUTPUT_PROFILE_JSON_H
#define OUTPUT_PROFILE_JSON_H

#include <stdio.h>

#include "output/source.h"

/* What a function is besides its name. */
#define PROFILE_JSON_KERNEL  1
#define PROFILE_JSON_INLINED 2
#define PROFILE_JSON_WORD    4 /* no function: [lost], [truncated], [unresolved] */

/*
 * Columns, because that is a third of the bytes of objects and what a browser parses fastest:
 *
 *   {"bpfprof": "0.1.0", "kind": "cpu", "sample_types": [{"type": "samples", "unit": "count"}, ...],
 *    "default_type": 1, "period_type": {...}, "period": N, "time_nanos": N, "duration_nanos": N,
 *    "comments": ["..."], "strings": ["", ...],
 *    "functions": {"name": [string], "file": [string], "mapping": [string], "line": [N], "flags": [N]},
 *    "nodes": {"parent": [node or -1], "function": [function]},
 *    "samples": {"node": [node], "pid": [N], "comm": [string], "thread": [string], "cgroup": [string],
 *                "labels": {"state": [string], ...}, "values": [[N of the first type], ...]}}
 *
 * string, function and node are indices. Nodes are a tree of callers, root first: a parent comes before its
 * children. Siblings may be of one function; readers merge them. A difference has negative values.
 * 0 or -errno; out is flushed when it returns 0.
 */
int profile_json__write(const struct output_source *source, FILE *out);

#endif
