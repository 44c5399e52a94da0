// SPDX-License-Identifier: GPL-2.0
/* /api/: JSON for the live page. */
#include <stdlib.h>
#include <string.h>

#include "output/json_writer.h"
#include "serve/access.h"
#include "serve/number.h"
#include "serve/routes.h"
#include "serve/server_private.h"

#define JSON            "application/json; charset=utf-8"
#define PROCESSES_MAX   200
#define SECONDS_DEFAULT 10

/* A text of JSON that is being written. */
struct document {
	struct json json;
	char *text;
	size_t bytes;
};

static bool document__open(struct document *document)
{
	*document = (struct document){0};
	document->json.out = open_memstream(&document->text, &document->bytes);
	return document->json.out;
}

static enum MHD_Result document__answer(struct document *document, struct exchange *exchange)
{
	fputc('\n', document->json.out);
	if (fclose(document->json.out) || document->json.error) {
		free(document->text);
		return MHD_NO;
	}
	return exchange__text(exchange, JSON, document->text, document->bytes);
}

enum point_field {
	POINT_TIME_MS,
	POINT_ELAPSED_MS,
	POINT_INTERVAL_MS,
	POINT_CPUS,
	POINT_IDLE_CPUS,
	POINT_THREADS,
	POINT_SPINNING,
	POINT_IDLE_THREADS,
	POINT_WAITING,
	POINT_SWITCHES,
	POINT_P50,
	POINT_P99,
	POINT_MAX,
	POINT_LOST,
	POINT_FIELD_CNT,
};

static uint64_t point__field(const struct history_point *point, enum point_field field)
{
	const uint64_t fields[POINT_FIELD_CNT] = {
		[POINT_TIME_MS] = point->time_ms,
		[POINT_ELAPSED_MS] = point->elapsed_ms,
		[POINT_INTERVAL_MS] = point->interval_ms,
		[POINT_CPUS] = point->cpus,
		[POINT_IDLE_CPUS] = point->idle_cpus,
		[POINT_THREADS] = point->threads,
		[POINT_SPINNING] = point->spinning,
		[POINT_IDLE_THREADS] = point->idle_threads,
		[POINT_WAITING] = point->waiting,
		[POINT_SWITCHES] = point->switches,
		[POINT_P50] = point->wait_p50_us,
		[POINT_P99] = point->wait_p99_us,
		[POINT_MAX] = point->wait_max_us,
		[POINT_LOST] = point->lost,
	};

	return fields[field];
}

/* One array a field, the oldest point first. */
static void status__print_sched(const struct history *history, struct json *json)
{
	static const char *const names[POINT_FIELD_CNT] = {"time_ms", "elapsed_ms", "interval_ms",
		"cpus", "idlecpus", "threads", "spinningthreads", "idlethreads", "runqueue",
		"switches", "wait_p50_us", "wait_p99_us", "wait_max_us", "lost"};
	uint64_t cnt = history->cnt < HISTORY_MAX ? history->cnt : HISTORY_MAX, i;
	int field;

	json__open(json, "sched", '{');
	for (field = 0; field < POINT_FIELD_CNT; field++) {
		json__open(json, names[field], '[');
		for (i = history->cnt - cnt; i < history->cnt; i++)
			json__int(json, NULL,
				(int64_t)point__field(&history->points[i % HISTORY_MAX],
					(enum point_field)field));
		json__close(json, ']');
	}
	json__close(json, '}');
}

static void status__print_own(const struct serve_figures *figures, struct json *json)
{
	json__open(json, "own", '{');
	json__int(json, "cpu_ns", (int64_t)figures->own_cpu_ns);
	json__int(json, "rss_bytes", (int64_t)figures->own_rss_bytes);
	json__int(json, "map_bytes", (int64_t)figures->map_bytes);
	json__close(json, '}');
}

static void status__print_counters(const struct serve_figures *figures, struct json *json)
{
	size_t i;

	json__open(json, "counters", '[');
	for (i = 0; i < figures->counter_cnt; i++) {
		const struct serve_counter *counter = &figures->counters[i];

		json__open(json, NULL, '{');
		json__text(json, "name", counter->name);
		json__bool(json, "loss", counter->is_loss);
		json__int(json, "value", (int64_t)counter->value);
		json__text(json, "text", counter->text);
		json__close(json, '}');
	}
	json__close(json, ']');
}

static bool exchange__may_see(uint32_t pid, void *arg)
{
	const struct exchange *exchange = arg;

	return !exchange->peer.uid || !access__check(&exchange->peer, pid, NULL);
}

static void status__print(
	struct exchange *exchange, const struct serve_figures *figures, struct json *json)
{
	const struct server *server = exchange->server;
	const struct serve_source *source = server->source;

	json__open(json, NULL, '{');
	json__text(json, "version", BPFPROF_VERSION);
	json__int(json, "uptime_ms", (int64_t)(figures->uptime_ns / 1000000));
	json__int(json, "start_time_ms", (int64_t)(figures->start_time_ns / 1000000));
	json__int(json, "cpus", figures->cpu_cnt);
	json__int(json, "frequency_hz", figures->frequency_hz);
	json__bool(json, "host", figures->is_host);
	json__int(json, "uid", exchange->peer.uid);
	json__bool(json, "root", !exchange->peer.uid);
	status__print_own(figures, json);
	json__int(json, "processes", figures->process_cnt);
	json__int(json, "connections", (int64_t)server->clients.cnt);
	json__int(json, "jobs", (int64_t)jobs__cnt(server->jobs));
	json__int(json, "samples", source->usage ? (int64_t)usage__sample_cnt(source->usage) : 0);
	json__bool(json, "sched_on", figures->has_sched);
	status__print_sched(source->history, json);
	heap_history__print(source->heap_history, exchange__may_see, exchange, json);
	status__print_counters(figures, json);
	json__close(json, '}');
}

enum MHD_Result api__status(struct exchange *exchange)
{
	const struct serve_source *source = exchange__source(exchange);
	struct serve_figures figures = {0};
	struct document document;

	if (!document__open(&document))
		return MHD_NO;
	source->figures(source->arg, &figures);
	status__print(exchange, &figures, &document.json);
	return document__answer(&document, exchange);
}

/* Of all CPU time of all processes, and in CPUs. */
static void process__print(struct exchange *exchange, const struct usage_row *row, double share,
	double cpus, struct json *json)
{
	const struct serve_source *source = exchange__source(exchange);
	const char *cgroup = source->cgroup_path(source->arg, row->cgroup);

	json__open(json, NULL, '{');
	json__int(json, "pid", row->pid);
	json__text_n(json, "comm", row->comm, strnlen(row->comm, sizeof(row->comm)));
	json__text(json, "cgroup", cgroup ? cgroup : "");
	json__int(json, "samples", (int64_t)row->sample_cnt);
	json__int(json, "cpu_ns", (int64_t)row->cpu_ns);
	json__real(json, "share", share);
	json__real(json, "cpus", cpus);
	json__close(json, '}');
}

static void processes__print(struct exchange *exchange, unsigned int seconds,
	const struct usage_row *rows, size_t cnt, struct json *json)
{
	uint64_t total_ns = 0;
	size_t i;

	for (i = 0; i < cnt; i++)
		total_ns += rows[i].cpu_ns;
	json__open(json, NULL, '{');
	json__int(json, "seconds", seconds);
	json__int(json, "cpu_ns", (int64_t)total_ns);
	json__open(json, "processes", '[');
	for (i = 0; i < cnt; i++)
		if (exchange__may_see(rows[i].pid, exchange))
			process__print(exchange, &rows[i],
				total_ns ? (double)rows[i].cpu_ns / (double)total_ns : 0,
				(double)rows[i].cpu_ns / 1e9 / seconds, json);
	json__close(json, ']');
	json__close(json, '}');
}

enum MHD_Result api__processes(struct exchange *exchange)
{
	const struct serve_source *source = exchange__source(exchange);
	int64_t seconds = number__or_zero(exchange__query(exchange, "seconds"));
	struct usage_row *rows = calloc(PROCESSES_MAX, sizeof(*rows));
	struct document document;
	size_t cnt = 0;

	if (seconds <= 0)
		seconds = SECONDS_DEFAULT;
	if (seconds > USAGE_SECONDS_MAX)
		seconds = USAGE_SECONDS_MAX;
	if (!rows || !document__open(&document)) {
		free(rows);
		return MHD_NO;
	}
	if (source->usage)
		cnt = usage__top(source->usage, (unsigned int)seconds, rows, PROCESSES_MAX);
	processes__print(exchange, (unsigned int)seconds, rows, cnt, &document.json);
	free(rows);
	return document__answer(&document, exchange);
}

/* type=: a profile's name ("cpu", "heap"). The answer is that of output/profile_json.h, with all its sample types. */
enum MHD_Result api__profile(struct exchange *exchange)
{
	const struct serve_source *source = exchange__source(exchange);
	const char *type = exchange__query(exchange, "type");
	const char *seconds_text = exchange__query(exchange, "seconds");
	struct serve_reading_request request = {.peer = exchange->peer};
	const struct profile_kind *kind = &profile_kind_cpu;
	char reason[SERVE_REASON_MAX];
	enum MHD_Result result;
	int64_t seconds = 0;

	if (type && *type)
		kind = profile_kind__find(type);
	if (!kind)
		return exchange__error(exchange, MHD_HTTP_BAD_REQUEST,
			"invalid value for \"type\" - a profile's name");
	if (seconds_text && *seconds_text &&
		(number__parse(seconds_text, &seconds) || seconds <= 0 || seconds > SECONDS_MAX))
		return exchange__error(exchange, MHD_HTTP_BAD_REQUEST,
			"invalid value for \"seconds\" - 1 to %d", SECONDS_MAX);
	if (!seconds && kind == &profile_kind_cpu)
		seconds = SECONDS_DEFAULT;
	if (routes__target(exchange, &request.pid, &result))
		return result;
	if (source->find_profile(source->arg, kind->name, reason))
		return exchange__error(exchange, MHD_HTTP_NOT_IMPLEMENTED, "%s", reason);
	request.profile = kind->name;
	request.window_ns = (uint64_t)seconds * 1000000000ull;
	exchange->form = FORM_JSON;
	exchange->content_type = JSON;
	snprintf(exchange->name, sizeof(exchange->name), "%s", kind->name);
	return exchange__read(exchange, &request);
}
