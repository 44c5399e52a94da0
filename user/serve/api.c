// SPDX-License-Identifier: GPL-2.0
/* /api/: JSON for the live page. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "output/json_text.h"
#include "serve/access.h"
#include "serve/number.h"
#include "serve/routes.h"
#include "serve/server_private.h"

#define JSON            "application/json; charset=utf-8"
#define PROCESSES_MAX   200
#define SECONDS_DEFAULT 10

static enum MHD_Result json__answer(
	struct exchange *exchange, FILE *out, char **text, size_t *bytes)
{
	if (fclose(out)) {
		free(*text);
		return MHD_NO;
	}
	return exchange__text(exchange, JSON, *text, *bytes);
}

static void print_text(FILE *out, const char *text)
{
	json_text__print(out, text, strlen(text));
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
static void status__print_sched(const struct history *history, FILE *out)
{
	static const char *const names[POINT_FIELD_CNT] = {"time_ms", "elapsed_ms", "interval_ms",
		"cpus", "idlecpus", "threads", "spinningthreads", "idlethreads", "runqueue",
		"switches", "wait_p50_us", "wait_p99_us", "wait_max_us", "lost"};
	uint64_t cnt = history->cnt < HISTORY_MAX ? history->cnt : HISTORY_MAX, i;
	int field;

	fputs("\"sched\":{", out);
	for (field = 0; field < POINT_FIELD_CNT; field++) {
		fprintf(out, "%s\"%s\":[", field ? "," : "", names[field]);
		for (i = history->cnt - cnt; i < history->cnt; i++)
			fprintf(out, "%s%" PRIu64, i == history->cnt - cnt ? "" : ",",
				point__field(&history->points[i % HISTORY_MAX],
					(enum point_field)field));
		fputc(']', out);
	}
	fputs("}", out);
}

static bool exchange__may_see(uint32_t pid, void *arg)
{
	const struct exchange *exchange = arg;

	return !exchange->peer.uid || !access__check(&exchange->peer, pid, NULL);
}

static void status__print(struct exchange *exchange, const struct serve_figures *figures, FILE *out)
{
	const struct server *server = exchange->server;
	size_t i;

	fprintf(out, "{\"version\":\"%s\",\"uptime_ms\":%" PRIu64 ",\"start_time_ms\":%" PRIu64,
		BPFPROF_VERSION, figures->uptime_ns / 1000000, figures->start_time_ns / 1000000);
	fprintf(out, ",\"cpus\":%" PRIu32 ",\"frequency_hz\":%" PRIu32 ",\"host\":%s",
		figures->cpu_cnt, figures->frequency_hz, figures->is_host ? "true" : "false");
	fprintf(out, ",\"uid\":%" PRIu32 ",\"root\":%s", exchange->peer.uid,
		exchange->peer.uid ? "false" : "true");
	fprintf(out,
		",\"own\":{\"cpu_ns\":%" PRIu64 ",\"rss_bytes\":%" PRIu64 ",\"map_bytes\":%" PRIu64
		"}",
		figures->own_cpu_ns, figures->own_rss_bytes, figures->map_bytes);
	fprintf(out, ",\"processes\":%" PRIu32 ",\"connections\":%zu,\"jobs\":%zu",
		figures->process_cnt, server->clients.cnt, jobs__cnt(server->jobs));
	fprintf(out, ",\"samples\":%" PRIu64 ",\"sched_on\":%s,",
		server->source->usage ? usage__sample_cnt(server->source->usage) : 0,
		figures->has_sched ? "true" : "false");
	status__print_sched(server->source->history, out);
	fputs(",\"heap\":", out);
	heap_history__print(server->source->heap_history, exchange__may_see, exchange, out);
	fputs(",\"counters\":[", out);
	for (i = 0; i < figures->counter_cnt; i++) {
		const struct serve_counter *counter = &figures->counters[i];

		fprintf(out, "%s{\"name\":\"%s\",\"loss\":%s,\"value\":%" PRIu64 ",\"text\":",
			i ? "," : "", counter->name, counter->is_loss ? "true" : "false",
			counter->value);
		print_text(out, counter->text);
		fputc('}', out);
	}
	fputs("]}\n", out);
}

enum MHD_Result api__status(struct exchange *exchange)
{
	const struct serve_source *source = exchange__source(exchange);
	struct serve_figures figures = {0};
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	if (!out)
		return MHD_NO;
	source->figures(source->arg, &figures);
	status__print(exchange, &figures, out);
	return json__answer(exchange, out, &text, &bytes);
}

static void process__print(struct exchange *exchange, const struct usage_row *row, FILE *out)
{
	const struct serve_source *source = exchange__source(exchange);
	const char *cgroup = source->cgroup_path(source->arg, row->cgroup);

	fprintf(out, "{\"pid\":%" PRIu32 ",\"comm\":", row->pid);
	json_text__print(out, row->comm, strnlen(row->comm, sizeof(row->comm)));
	fputs(",\"cgroup\":", out);
	print_text(out, cgroup ? cgroup : "");
	fprintf(out, ",\"samples\":%" PRIu64 ",\"cpu_ns\":%" PRIu64, row->sample_cnt, row->cpu_ns);
}

static void processes__print(struct exchange *exchange, unsigned int seconds,
	const struct usage_row *rows, size_t cnt, FILE *out)
{
	uint64_t total_ns = 0;
	bool is_first = true;
	size_t i;

	for (i = 0; i < cnt; i++)
		total_ns += rows[i].cpu_ns;
	fprintf(out, "{\"seconds\":%u,\"cpu_ns\":%" PRIu64 ",\"processes\":[", seconds, total_ns);
	for (i = 0; i < cnt; i++) {
		if (!exchange__may_see(rows[i].pid, exchange))
			continue;
		fputs(is_first ? "" : ",", out);
		is_first = false;
		process__print(exchange, &rows[i], out);
		/* of all CPU time of all processes, and in CPUs */
		fprintf(out, ",\"share\":%.6f,\"cpus\":%.6f}",
			total_ns ? (double)rows[i].cpu_ns / (double)total_ns : 0,
			(double)rows[i].cpu_ns / 1e9 / seconds);
	}
	fputs("]}\n", out);
}

enum MHD_Result api__processes(struct exchange *exchange)
{
	const struct serve_source *source = exchange__source(exchange);
	int64_t seconds = number__or_zero(exchange__query(exchange, "seconds"));
	struct usage_row *rows;
	char *text = NULL;
	size_t bytes = 0, cnt = 0;
	FILE *out;

	if (seconds <= 0)
		seconds = SECONDS_DEFAULT;
	if (seconds > USAGE_SECONDS_MAX)
		seconds = USAGE_SECONDS_MAX;
	rows = calloc(PROCESSES_MAX, sizeof(*rows));
	out = rows ? open_memstream(&text, &bytes) : NULL;
	if (!out) {
		free(rows);
		return MHD_NO;
	}
	if (source->usage)
		cnt = usage__top(source->usage, (unsigned int)seconds, rows, PROCESSES_MAX);
	processes__print(exchange, (unsigned int)seconds, rows, cnt, out);
	free(rows);
	return json__answer(exchange, out, &text, &bytes);
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
