/* SPDX-License-Identifier: GPL-2.0 */
/* The trace lines on stderr: when each is due, and what SIGUSR1 and SIGUSR2 turn on and off. */
#ifndef BPFPROF_TRACE_H
#define BPFPROF_TRACE_H

#include "capture.h"
#include "collect/sched.h"
#include "loop.h"
#include "options.h"
#include "output/heap_line.h"

struct trace;

/* Loads what the lines need. -errno with *ret_reason, a static string. */
int trace__open(struct loop *loop, const struct options *options, struct capture *capture,
	struct trace **ret, const char **ret_reason);
/* Prints the first line and sets the timers. */
void trace__start(struct trace *trace);
void trace__toggle_sched(struct trace *trace);
void trace__toggle_heap(struct trace *trace);
/* Calls fn with the figures of every SCHED line. */
void trace__set_reader(struct trace *trace,
	void (*fn)(const struct sched_snapshot *snapshot, void *arg), void *arg);
/* The same with those of every heap line. */
void trace__set_heap_reader(
	struct trace *trace, void (*fn)(const struct heap_line *line, void *arg), void *arg);
/* On: that reader has figures of the heap also while its lines are off, as long as a heap profile is taken. */
void trace__watch_heap(struct trace *trace, bool on);
bool trace__is_on(const struct trace *trace);
/* The longest waits for a CPU while the lines were on: sched__delays(). NULL: they never were. */
const struct sched_delay_table *trace__delays(const struct trace *trace, uint64_t *ret_from_ns);
/* Ends the lines; programs detached. */
void trace__stop(struct trace *trace);
void trace__close(struct trace *trace); /* accepts NULL */

#endif
