/* SPDX-License-Identifier: GPL-2.0 */
/* The heap lines: their figures of an interval. */
#ifndef BPFPROF_HEAP_TRACE_H
#define BPFPROF_HEAP_TRACE_H

#include <stdio.h>

#include "capture.h"
#include "output/heap_line.h"

struct heap_trace;

/* NULL: out of memory. */
struct heap_trace *heap_trace__new(struct capture *capture);
void heap_trace__free(struct heap_trace *trace); /* accepts NULL */
/* Calls fn with the figures of every heap line. */
void heap_trace__set_reader(
	struct heap_trace *trace, void (*fn)(const struct heap_line *line, void *arg), void *arg);
/* Begins an interval. */
void heap_trace__start(struct heap_trace *trace);
/* Prints a line a process, of the interval that ends with this; out: NULL for the reader alone. 0 or -errno. */
int heap_trace__print(struct heap_trace *trace, FILE *out);
/* The summary of all that was measured. */
int heap_trace__print_summary(struct capture *capture, FILE *out);

#endif
