// SPDX-License-Identifier: GPL-2.0
/* Prints the SCHED and heap lines when they are due. */
#include "trace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collect/sched.h"
#include "heap_trace.h"
#include "log.h"
#include "output/delays_text.h"
#include "output/sched_line.h"

struct trace {
	const struct options *options;
	struct loop *loop;
	struct shared *shared;
	struct sched *sched; /* NULL until the lines are turned on for the first time */
	int timer;
	bool is_on;
	void (*read_fn)(const struct sched_snapshot *snapshot, void *arg); /* may be NULL */
	void *read_arg;
	struct capture *capture;
	struct heap_trace *heap; /* NULL until the heap lines are turned on for the first time */
	int heap_timer;
	bool heap_is_on, heap_is_watched; /* its lines; its figures for the reader */
	void (*heap_read_fn)(const struct heap_line *line, void *arg);
	void *heap_read_arg;
};

/* One write a turn, so that lines of other programs do not come in between. */
static void text__write(const char *text, size_t bytes)
{
	while (bytes) {
		ssize_t written = write(STDERR_FILENO, text, bytes);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return; /* nobody to tell it to */
		text += written;
		bytes -= (size_t)written;
	}
}

static void trace__on_timer(void *arg)
{
	struct trace *trace = arg;
	struct sched_snapshot snapshot;
	char *text = NULL;
	size_t bytes = 0;
	FILE *out;
	int err;

	err = sched__read(trace->sched, trace->options->sched_detail, &snapshot);
	if (err) {
		log__warn("no SCHED line: the scheduler's figures cannot be read: %s",
			strerror(-err));
		return;
	}
	if (trace->read_fn)
		trace->read_fn(&snapshot, trace->read_arg);
	out = open_memstream(&text, &bytes);
	if (!out)
		return;
	err = sched_line__print(&snapshot, out);
	if (!err && trace->options->sched_detail)
		err = sched_line__print_detail(&snapshot, out);
	if (!err && trace->options->sched_detail)
		err = delays_text__print_detail(&snapshot.delays, out);
	if (fclose(out) == 0 && !err)
		text__write(text, bytes);
	free(text);
}

/* Loads and attaches; the rest of bpfprof goes on without the lines when this kernel does not allow them. */
static int trace__turn_on(struct trace *trace, const char **ret_reason)
{
	int err = 0;

	if (!trace->sched)
		err = sched__open(trace->shared, &trace->sched, ret_reason);
	if (!err)
		err = sched__start(trace->sched, ret_reason);
	if (err)
		return err;
	trace->is_on = true;
	/* The first line at once, as Go's schedtrace does: in the loop's next turn. */
	return loop__set_timer(trace->timer, 1, trace->options->sched_period_ns);
}

static void trace__try_on(struct trace *trace)
{
	const char *reason = "cannot set a timer";
	int err = trace__turn_on(trace, &reason);

	if (err)
		log__warn("no SCHED lines: %s: %s; all else goes on", reason, strerror(-err));
}

static void trace__end_heap(struct trace *trace)
{
	loop__set_timer(trace->heap_timer, 0, 0);
	heap_trace__free(trace->heap);
	trace->heap = NULL;
}

static void trace__on_heap_timer(void *arg)
{
	struct trace *trace = arg;
	char *text = NULL;
	size_t bytes = 0;
	FILE *out;
	int err;

	/* Somebody had asked for it over HTTP, and nobody does now. */
	if (!capture__heap(trace->capture)) {
		trace->heap_is_on = trace->heap_is_watched = false;
		trace__end_heap(trace);
		return;
	}
	if (!trace->heap_is_on) {
		heap_trace__print(trace->heap, NULL);
		return;
	}
	out = open_memstream(&text, &bytes);
	if (!out)
		return;
	err = heap_trace__print(trace->heap, out);
	if (fclose(out) == 0 && !err)
		text__write(text, bytes);
	free(text);
}

static int trace__begin_heap(struct trace *trace)
{
	if (trace->heap_is_on || trace->heap_is_watched)
		return 0;
	if (!trace->heap)
		trace->heap = heap_trace__new(trace->capture);
	if (!trace->heap)
		return -ENOMEM;
	heap_trace__set_reader(trace->heap, trace->heap_read_fn, trace->heap_read_arg);
	heap_trace__start(trace->heap);
	return loop__set_timer(
		trace->heap_timer, trace->options->heap_period_ns, trace->options->heap_period_ns);
}

static void trace__try_heap_on(struct trace *trace)
{
	int err = trace__begin_heap(trace);

	trace->heap_is_on = !err;
	if (err)
		log__warn("no heap lines: %s; all else goes on", strerror(-err));
}

int trace__open(struct loop *loop, const struct options *options, struct capture *capture,
	struct trace **ret, const char **ret_reason)
{
	struct trace *trace = calloc(1, sizeof(*trace));

	*ret_reason = "cannot set up the trace lines";
	if (!trace)
		return -ENOMEM;
	trace->options = options;
	trace->loop = loop;
	trace->shared = capture__shared(capture);
	trace->capture = capture;
	trace->timer = loop__add_timer(loop, 0, 0, trace__on_timer, trace);
	trace->heap_timer = loop__add_timer(loop, 0, 0, trace__on_heap_timer, trace);
	if (trace->timer < 0 || trace->heap_timer < 0) {
		int err = trace->timer < 0 ? trace->timer : trace->heap_timer;

		free(trace);
		return err;
	}
	*ret = trace;
	return 0;
}

void trace__start(struct trace *trace)
{
	if (trace->options->sched_lines)
		trace__try_on(trace);
	if (trace->options->heap_lines && capture__heap(trace->capture))
		trace__try_heap_on(trace);
}

void trace__set_reader(struct trace *trace,
	void (*fn)(const struct sched_snapshot *snapshot, void *arg), void *arg)
{
	trace->read_fn = fn;
	trace->read_arg = arg;
}

void trace__set_heap_reader(
	struct trace *trace, void (*fn)(const struct heap_line *line, void *arg), void *arg)
{
	trace->heap_read_fn = fn;
	trace->heap_read_arg = arg;
	if (trace->heap)
		heap_trace__set_reader(trace->heap, fn, arg);
}

const struct sched_delay_table *trace__delays(const struct trace *trace, uint64_t *ret_from_ns)
{
	return trace->sched ? sched__delays(trace->sched, ret_from_ns) : NULL;
}

bool trace__is_on(const struct trace *trace)
{
	return trace->is_on;
}

static void trace__stop_sched(struct trace *trace)
{
	if (!trace->is_on)
		return;
	trace->is_on = false;
	loop__set_timer(trace->timer, 0, 0);
	sched__stop(trace->sched);
}

void trace__toggle_sched(struct trace *trace)
{
	if (trace->is_on)
		trace__stop_sched(trace);
	else
		trace__try_on(trace);
}

void trace__toggle_heap(struct trace *trace)
{
	if (!capture__heap(trace->capture)) {
		log__warn(
			"SIGUSR2: no heap lines to turn on: no heap profile is taken; add heap to -P");
		return;
	}
	if (!trace->heap_is_on) {
		trace__try_heap_on(trace);
		return;
	}
	trace->heap_is_on = false;
	if (!trace->heap_is_watched)
		loop__set_timer(trace->heap_timer, 0, 0);
}

void trace__watch_heap(struct trace *trace, bool on)
{
	if (on) {
		trace->heap_is_watched = capture__heap(trace->capture) && !trace__begin_heap(trace);
		return;
	}
	trace->heap_is_watched = false;
	if (!trace->heap_is_on)
		trace__end_heap(trace);
}

void trace__stop(struct trace *trace)
{
	trace__stop_sched(trace);
	trace->heap_is_on = trace->heap_is_watched = false;
	trace__end_heap(trace);
}

void trace__close(struct trace *trace)
{
	if (!trace)
		return;
	sched__close(trace->sched);
	heap_trace__free(trace->heap);
	free(trace);
}
