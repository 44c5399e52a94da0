// SPDX-License-Identifier: GPL-2.0
/* /metrics in Prometheus' text format, version 0.0.4. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "output/text.h"
#include "serve/access.h"
#include "serve/routes.h"
#include "serve/server_private.h"

#define CONTENT_TYPE  "text/plain; version=0.0.4; charset=utf-8"
#define PROCESSES_MAX 10 /* series of processes in one scrape */

static void print_head(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void print_gauge(FILE *out, const char *name, const char *help, double value)
{
	print_head(out, name, "gauge", help);
	fprintf(out, "%s %.17g\n", name, value);
}

static void print_counter(FILE *out, const char *name, const char *help, double value)
{
	print_head(out, name, "counter", help);
	fprintf(out, "%s %.17g\n", name, value);
}

/* C0, DEL, and C1 with its first byte; the second one then is no UTF-8 of its own. */
static bool is_control(const char *text, size_t bytes)
{
	unsigned char c = (unsigned char)*text;

	return c < 0x20 || c == 0x7f || (c == 0xc2 && bytes > 1 && (unsigned char)text[1] < 0xa0);
}

/* A label's value: UTF-8, with backslash, quote and newline escaped. What else would drive a terminal the format has no word for:
 * it is written out, as "\x1b". */
static void print_label(FILE *out, const char *text, size_t bytes)
{
	char copy[256];
	size_t i;

	bytes = bytes < sizeof(copy) ? bytes : sizeof(copy);
	memcpy(copy, text, bytes);
	text__repair_utf8(copy, bytes);
	fputc('"', out);
	for (i = 0; i < bytes; i++) {
		unsigned char c = (unsigned char)copy[i];

		if (c == '\n')
			fputs("\\n", out);
		else if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (is_control(copy + i, bytes - i))
			fprintf(out, "\\\\x%02x", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

static void print_counters(const struct serve_figures *figures, bool is_loss, FILE *out)
{
	size_t i;

	for (i = 0; i < figures->counter_cnt; i++) {
		const struct serve_counter *counter = &figures->counters[i];

		if (counter->is_loss == is_loss)
			fprintf(out, "bpfprof_%s_total{name=\"%s\"} %" PRIu64 "\n",
				is_loss ? "lost" : "events", counter->name, counter->value);
	}
}

/* Buckets are cumulative counts at powers of two, which are bounds of the histogram's own buckets. */
static void print_waits(const struct history *history, FILE *out)
{
	static const char name[] = "bpfprof_sched_wait_seconds";
	uint64_t bound_ns, cnt = 0;
	uint32_t bucket = 0;

	print_head(out, name, "histogram",
		"Time that threads were runnable before they got a CPU, while SCHED figures are taken.");
	for (bound_ns = 1024; bound_ns <= 1ull << 34; bound_ns *= 4) {
		for (; bucket < SCHED_WAIT_BUCKETS &&
			wait_histogram__floor_ns(bucket + 1) <= bound_ns;
			bucket++)
			cnt += history->waits.cnt[bucket];
		fprintf(out, "%s_bucket{le=\"%.9g\"} %" PRIu64 "\n", name, (double)bound_ns / 1e9,
			cnt);
	}
	fprintf(out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, history->waits.total);
	fprintf(out, "%s_sum %.9f\n", name, (double)history->wait_sum_ns / 1e9);
	fprintf(out, "%s_count %" PRIu64 "\n", name, history->waits.total);
}

/* The last figures' moment. */
static void print_sched(const struct history *history, FILE *out)
{
	const struct history_point *point;

	print_counter(out, "bpfprof_sched_switches_total",
		"Context switches while SCHED figures were taken.", (double)history->switch_cnt);
	if (!history->cnt)
		return;
	point = &history->points[(history->cnt - 1) % HISTORY_MAX];
	print_gauge(out, "bpfprof_sched_threads", "Threads.", point->threads);
	print_gauge(out, "bpfprof_sched_runqueue", "Threads that wait for a CPU.", point->waiting);
	print_gauge(out, "bpfprof_sched_idle_cpus", "CPUs with nothing to run.", point->idle_cpus);
	print_gauge(out, "bpfprof_sched_cpus", "CPUs that can be used.", point->cpus);
}

static void print_processes(struct exchange *exchange, FILE *out)
{
	const struct usage *usage = exchange__source(exchange)->usage;
	struct usage_row rows[PROCESSES_MAX];
	size_t cnt = usage__top(usage, USAGE_SECONDS_MAX, rows, PROCESSES_MAX), i;

	print_head(out, "bpfprof_process_cpu_seconds_total", "counter",
		"CPU time by samples, of the processes that used the most in the last minute and that "
		"the reader may see.");
	for (i = 0; i < cnt; i++) {
		if (exchange->peer.uid && access__check(&exchange->peer, rows[i].pid, NULL))
			continue;
		fprintf(out,
			"bpfprof_process_cpu_seconds_total{pid=\"%" PRIu32 "\",comm=", rows[i].pid);
		print_label(out, rows[i].comm, strnlen(rows[i].comm, sizeof(rows[i].comm)));
		fprintf(out, "} %.9f\n", (double)rows[i].total_ns / 1e9);
	}
}

static void metrics__print(
	struct exchange *exchange, const struct serve_figures *figures, FILE *out)
{
	const struct server *server = exchange->server;
	const struct serve_source *source = server->source;

	print_head(out, "bpfprof_build_info", "gauge", "The version that runs.");
	fprintf(out, "bpfprof_build_info{version=\"%s\"} 1\n", BPFPROF_VERSION);
	print_gauge(out, "bpfprof_start_time_seconds", "When it attached, in Unix time.",
		(double)figures->start_time_ns / 1e9);
	print_counter(out, "bpfprof_cpu_seconds_total",
		"CPU time of bpfprof itself and its children.", (double)figures->own_cpu_ns / 1e9);
	print_gauge(out, "bpfprof_resident_memory_bytes", "Its resident memory.",
		(double)figures->own_rss_bytes);
	print_gauge(out, "bpfprof_map_memory_bytes", "Kernel memory of its BPF maps.",
		(double)figures->map_bytes);
	print_gauge(out, "bpfprof_cpu_frequency_hertz",
		"CPU samples a second on each CPU now; less than asked for while --max-overhead is exceeded.",
		figures->frequency_hz);
	print_gauge(out, "bpfprof_loop_turn_max_seconds",
		"The longest turn of its loop: so long nothing else was drained or answered.",
		(double)figures->turn_max_ns / 1e9);
	print_gauge(out, "bpfprof_loop_turn_max_cpu_seconds",
		"The most CPU time in one turn of its loop.",
		(double)figures->turn_max_cpu_ns / 1e9);
	print_gauge(out, "bpfprof_processes", "Processes whose mappings it keeps.",
		figures->process_cnt);
	print_gauge(
		out, "bpfprof_http_connections", "Open connections.", (double)server->clients.cnt);
	print_counter(out, "bpfprof_http_requests_total", "Requests.", (double)server->request_cnt);
	print_counter(out, "bpfprof_http_refused_total", "Requests answered with an error.",
		(double)server->refused_cnt);
	print_head(out, "bpfprof_lost_total", "counter",
		"What was lost, by what it was; bpfprof --stats explains the names.");
	print_counters(figures, true, out);
	print_head(out, "bpfprof_events_total", "counter",
		"What was counted beside losses: how stacks ended, what was sent.");
	print_counters(figures, false, out);
	if (source->usage) {
		print_counter(out, "bpfprof_cpu_samples_total", "CPU samples.",
			(double)usage__sample_cnt(source->usage));
		print_counter(out, "bpfprof_sampled_cpu_seconds_total",
			"CPU time that these samples stand for.",
			(double)usage__cpu_ns(source->usage) / 1e9);
		print_processes(exchange, out);
	}
	print_sched(source->history, out);
	print_waits(source->history, out);
}

enum MHD_Result metrics__answer(struct exchange *exchange)
{
	const struct serve_source *source = exchange__source(exchange);
	struct serve_figures figures = {0};
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	if (!out)
		return MHD_NO;
	source->figures(source->arg, &figures);
	metrics__print(exchange, &figures, out);
	if (fclose(out)) {
		free(text);
		return MHD_NO;
	}
	return exchange__text(exchange, CONTENT_TYPE, text, bytes);
}
