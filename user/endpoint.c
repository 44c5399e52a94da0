// SPDX-License-Identifier: GPL-2.0
/* What the HTTP server serves. */
#include "endpoint_private.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "capture_shed.h"
#include "collect/collector.h"
#include "retain.h"

static int endpoint__find_profile(void *arg, const char *profile, char reason[SERVE_REASON_MAX])
{
	(void)arg;
	if (collector__find(endpoint__collector(profile)))
		return 0;
	snprintf(reason, SERVE_REASON_MAX, "%s is not available in this version", profile);
	return -ENOENT;
}

static int endpoint__find_process(void *arg, uint32_t pid)
{
	struct endpoint *endpoint = arg;

	return capture__find_process(endpoint->capture, pid);
}

static int endpoint__write(
	void *arg, struct serve_reading *reading, serve_write_fn write, void *write_arg, FILE *out)
{
	(void)arg;
	return answer__write(&reading->answer, write, write_arg, out);
}

static int endpoint__write_symbols(
	void *arg, uint32_t pid, const uint64_t *addresses, size_t cnt, bool with_kernel, FILE *out)
{
	struct endpoint *endpoint = arg;

	return answer__write_symbols(endpoint->capture, pid, addresses, cnt, with_kernel, out);
}

static int endpoint__write_past(void *arg, const struct serve_past_request *request, FILE *out)
{
	struct endpoint *endpoint = arg;

	return retain__write_past(endpoint->options.retain, request, out);
}

static size_t endpoint__sample_cnt(void *arg, const char *profile)
{
	struct endpoint *endpoint = arg;
	const struct profile *kept = capture__profile(
		endpoint->capture, endpoint__collector(profile));

	return kept ? profile__sample_cnt(kept) : 0;
}

static void endpoint__figures(void *arg, struct serve_figures *ret)
{
	struct endpoint *endpoint = arg;
	struct loop_turns turns;

	figures__read(endpoint->figures, endpoint->capture, ret);
	ret->frequency_hz = endpoint->options.frequency_hz >> capture__thinned(endpoint->capture);
	loop__turns(endpoint->loop, &turns);
	ret->turn_max_ns = turns.max_ns;
	ret->turn_max_cpu_ns = turns.max_cpu_ns;
	ret->has_sched = trace__is_on(endpoint->trace);
	if (endpoint->options.retain)
		figures__add_retained(ret, retain__failed_cnt(endpoint->options.retain),
			retain__written_cnt(endpoint->options.retain));
}

static const struct thread_record *endpoint__threads(void *arg, size_t *ret_cnt)
{
	struct endpoint *endpoint = arg;

	return capture__threads(endpoint->capture, ret_cnt);
}

static const char *endpoint__cgroup_path(void *arg, uint64_t cgroup)
{
	struct endpoint *endpoint = arg;

	return cgroups__path(endpoint->cgroups, cgroup);
}

static void endpoint__on_server(void *arg)
{
	struct endpoint *endpoint = arg;

	server__on_ready(endpoint->server);
}

static void endpoint__on_snapshot(const struct sched_snapshot *snapshot, void *arg)
{
	struct endpoint *endpoint = arg;

	history__add(&endpoint->history, snapshot);
}

static void endpoint__on_heap_line(const struct heap_line *line, void *arg)
{
	struct endpoint *endpoint = arg;

	heap_history__add(endpoint->heap_history, line);
}

static int endpoint__open_server(struct endpoint *endpoint)
{
	struct server_options options = {.listen_fd = endpoint->options.listen_fd,
		.host = endpoint->options.host,
		.token = endpoint->options.token};
	int err;

	endpoint->source = (struct serve_source){.arg = endpoint,
		.find_profile = endpoint__find_profile,
		.find_process = endpoint__find_process,
		.start = endpoint__start,
		.end = endpoint__end,
		.write = endpoint__write,
		.write_symbols = endpoint__write_symbols,
		.write_past = endpoint->options.retain ? endpoint__write_past : NULL,
		.sample_cnt = endpoint__sample_cnt,
		.figures = endpoint__figures,
		.history = &endpoint->history,
		.heap_history = endpoint->heap_history,
		.usage = capture__usage(endpoint->capture),
		.threads = endpoint__threads,
		.cgroup_path = endpoint__cgroup_path};
	/* A client that leaves while its answer is sent must not end the daemon: sendfile(2) raises it. */
	signal(SIGPIPE, SIG_IGN);
	err = server__open(&options, &endpoint->source, &endpoint->server);
	if (err)
		return err;
	return loop__add_fd(
		endpoint->loop, server__fd(endpoint->server), endpoint__on_server, endpoint);
}

int endpoint__open(struct loop *loop, struct capture *capture, struct trace *trace,
	const struct endpoint_options *options, struct endpoint **ret)
{
	struct endpoint *endpoint = calloc(1, sizeof(*endpoint));
	int err = -ENOMEM;

	if (!endpoint)
		return err;
	endpoint->loop = loop;
	endpoint->capture = capture;
	endpoint->trace = trace;
	endpoint->options = *options;
	endpoint->cgroups = cgroups__new();
	endpoint->figures = figures__new();
	endpoint->heap_history = heap_history__new();
	if (!endpoint->figures || !endpoint->heap_history)
		goto out;
	endpoint->timer = loop__add_timer(loop, 0, 0, endpoint__on_timer, endpoint);
	err = endpoint->timer < 0 ? endpoint->timer : endpoint__open_server(endpoint);
	if (err)
		goto out;
	trace__set_reader(trace, endpoint__on_snapshot, endpoint);
	trace__set_heap_reader(trace, endpoint__on_heap_line, endpoint);
	*ret = endpoint;
	return 0;
out:
	endpoint__close(endpoint);
	return err;
}

void endpoint__close(struct endpoint *endpoint)
{
	if (!endpoint)
		return;
	if (endpoint->server)
		loop__remove_fd(endpoint->loop, server__fd(endpoint->server));
	server__close(endpoint->server); /* ends the readings */
	cgroups__free(endpoint->cgroups);
	figures__free(endpoint->figures);
	heap_history__free(endpoint->heap_history);
	free(endpoint);
}

int endpoint__set_token(struct endpoint *endpoint, const char *token)
{
	return server__set_token(endpoint->server, token);
}
