// SPDX-License-Identifier: GPL-2.0
/* What the HTTP server serves. */
#include "endpoint.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "answer.h"
#include "collect/collector.h"
#include "collect/heap.h"
#include "figures.h"
#include "process/cgroup.h"
#include "serve/access.h"
#include "serve/server.h"

#define NS_PER_S      1000000000ull
#define ON_DEMAND_MAX CAPTURE_PROFILES_MAX
#define HEAPS_MAX     64 /* processes whose allocators are probed on demand */

/* A profile that is measured because somebody asked for it, until nobody has for a while. */
struct on_demand {
	const char *name; /* of the collector, a static string; NULL: free */
	uint64_t used_ns; /* CLOCK_MONOTONIC of the last request's end */
};

enum reading_state {
	READING_ARMED,   /* waits for the drain at which it begins */
	READING_RUNNING, /* until end_ns */
	READING_ENDING,  /* waits for the drain that has its last samples */
	READING_READY,
};

struct serve_reading {
	struct endpoint *endpoint;
	struct answer answer;
	enum reading_state state;
	struct tap *tap; /* NULL: what the profile has counted since it was attached, or a gauge */
	bool is_gauge;   /* read as it is now; a window is the difference of two such */
	struct profile *before, *difference;
	struct peer peer;
	uint64_t window_ns, end_ns; /* CLOCK_MONOTONIC */
	serve_ready_fn ready;
	void *ready_arg;
	struct serve_reading *next;
};

struct endpoint {
	struct loop *loop;
	struct capture *capture;
	struct trace *trace;
	struct endpoint_options options;
	struct serve_source source;
	struct server *server;
	struct history history;
	struct heap_history *heap_history;
	struct cgroups *cgroups;
	struct figures *figures;
	struct serve_reading *readings;
	struct on_demand on_demand[ON_DEMAND_MAX];
	uint32_t heaps[HEAPS_MAX]; /* pids */
	size_t heap_cnt;
	bool is_drain_wanted; /* and has not been yet */
	int timer;            /* the end of the reading that ends first */
	uint64_t swept_ns;
};

static uint64_t clock__ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* allocs is what the heap's collector counts, with another default. */
static const char *collector_name(const char *profile)
{
	return strcmp(profile, "allocs") ? profile : "heap";
}

/* What threads wait for now is counted up to now. */
static void endpoint__want_drain(struct endpoint *endpoint)
{
	if (endpoint->is_drain_wanted)
		return; /* in a millisecond: of many requests at once all but the first are that much early */
	endpoint->is_drain_wanted = true;
	capture__settle(endpoint->capture);
	endpoint->options.want_drain(endpoint->options.arg);
}

static void endpoint__set_timer(struct endpoint *endpoint)
{
	uint64_t first_ns = UINT64_MAX, now_ns = clock__ns(CLOCK_MONOTONIC);
	const struct serve_reading *reading;

	for (reading = endpoint->readings; reading; reading = reading->next)
		if (reading->state == READING_RUNNING && reading->end_ns < first_ns)
			first_ns = reading->end_ns;
	if (first_ns == UINT64_MAX)
		loop__set_timer(endpoint->timer, 0, 0);
	else
		loop__set_timer(endpoint->timer, first_ns > now_ns ? first_ns - now_ns : 1, 0);
}

static void endpoint__on_timer(void *arg)
{
	struct endpoint *endpoint = arg;
	uint64_t now_ns = clock__ns(CLOCK_MONOTONIC);
	struct serve_reading *reading;
	bool has_ended = false;

	for (reading = endpoint->readings; reading; reading = reading->next)
		if (reading->state == READING_RUNNING && reading->end_ns <= now_ns) {
			reading->state = READING_ENDING;
			has_ended = true;
		}
	if (has_ended)
		endpoint__want_drain(endpoint);
	endpoint__set_timer(endpoint);
}

/* ---- profiles on demand ---- */

static struct on_demand *endpoint__find_on_demand(struct endpoint *endpoint, const char *name)
{
	size_t i;

	for (i = 0; i < ON_DEMAND_MAX; i++)
		if (endpoint->on_demand[i].name && !strcmp(endpoint->on_demand[i].name, name))
			return &endpoint->on_demand[i];
	return NULL;
}

static struct on_demand *endpoint__free_on_demand(struct endpoint *endpoint)
{
	size_t i;

	for (i = 0; i < ON_DEMAND_MAX; i++)
		if (!endpoint->on_demand[i].name)
			return &endpoint->on_demand[i];
	return NULL;
}

/* Measures name from now on, unless it is measured already. 0 or -errno with reason. */
static int endpoint__demand(
	struct endpoint *endpoint, const char *name, char reason[SERVE_REASON_MAX])
{
	const char *why = "cannot start";
	struct on_demand *entry;
	int err;

	if (capture__profile(endpoint->capture, name))
		return 0;
	entry = endpoint__free_on_demand(endpoint);
	err = entry ? capture__add_profile(endpoint->capture, name, &why) : -ENOSPC;
	if (err) {
		snprintf(reason, SERVE_REASON_MAX, "%s: %s: %s", name, why, strerror(-err));
		return err == -EPERM || err == -EACCES ? -EOPNOTSUPP : err;
	}
	*entry = (struct on_demand){
		.name = collector__find(name)->name, .used_ns = clock__ns(CLOCK_MONOTONIC)};
	return 0;
}

/* A host's heap is never probed as a whole: only the processes that were asked for. */
static int endpoint__demand_heap(
	struct endpoint *endpoint, uint32_t pid, char reason[SERVE_REASON_MAX])
{
	size_t i;
	int err;

	if (!shared__options(capture__shared(endpoint->capture))->all_processes)
		return 0;
	for (i = 0; i < endpoint->heap_cnt; i++)
		if (endpoint->heaps[i] == pid)
			return 0;
	if (endpoint->heap_cnt == HEAPS_MAX) {
		snprintf(reason, SERVE_REASON_MAX,
			"heap: %d processes are probed already; try again later", HEAPS_MAX);
		return -EBUSY;
	}
	err = heap__want(capture__heap(endpoint->capture), (pid_t)pid);
	if (err) {
		snprintf(reason, SERVE_REASON_MAX, "heap: %s", strerror(-err));
		return err;
	}
	endpoint->heaps[endpoint->heap_cnt++] = pid;
	return 0;
}

static int endpoint__demand_for(
	struct endpoint *endpoint, const char *name, uint32_t pid, char reason[SERVE_REASON_MAX])
{
	bool is_heap = !strcmp(name, "heap");
	int err;

	if (is_heap && !pid && shared__options(capture__shared(endpoint->capture))->all_processes) {
		snprintf(reason, SERVE_REASON_MAX,
			"heap: allocators are probed in the processes asked for; give pid=");
		return -EINVAL;
	}
	err = endpoint__demand(endpoint, name, reason);
	return err || !is_heap ? err : endpoint__demand_heap(endpoint, pid, reason);
}

static bool endpoint__is_read(const struct endpoint *endpoint, const char *name)
{
	const struct serve_reading *reading;

	for (reading = endpoint->readings; reading; reading = reading->next)
		if (!strcmp(collector_name(reading->answer.profile), name))
			return true;
	return false;
}

/* Detaches what nobody has asked for in a while. */
static void endpoint__let_go(struct endpoint *endpoint, uint64_t now_ns)
{
	size_t i;

	for (i = 0; i < ON_DEMAND_MAX; i++) {
		struct on_demand *entry = &endpoint->on_demand[i];

		if (!entry->name || endpoint__is_read(endpoint, entry->name) ||
			now_ns - entry->used_ns < endpoint->options.linger_ns)
			continue;
		capture__remove_profile(endpoint->capture, entry->name);
		if (!strcmp(entry->name, "heap"))
			endpoint->heap_cnt = 0;
		entry->name = NULL;
	}
}

/* ---- readings ---- */

static void endpoint__end(void *arg, struct serve_reading *reading)
{
	struct endpoint *endpoint = arg;
	struct serve_reading **at = &endpoint->readings;
	struct on_demand *entry = endpoint__find_on_demand(
		endpoint, collector_name(reading->answer.profile));

	while (*at != reading)
		at = &(*at)->next;
	*at = reading->next;
	capture__close_tap(endpoint->capture, reading->tap);
	profile__free(reading->before);
	profile__free(reading->difference);
	if (entry)
		entry->used_ns = clock__ns(CLOCK_MONOTONIC);
	free(reading);
	endpoint__set_timer(endpoint);
}

static int endpoint__start(void *arg, const struct serve_reading_request *request,
	serve_ready_fn ready, void *ready_arg, struct serve_reading **ret,
	char reason[SERVE_REASON_MAX])
{
	const char *name = collector_name(request->profile);
	struct serve_reading *reading = calloc(1, sizeof(*reading));
	struct endpoint *endpoint = arg;
	int err = -ENOMEM;

	snprintf(reason, SERVE_REASON_MAX, "out of memory");
	if (!reading)
		return err;
	*reading = (struct serve_reading){.endpoint = endpoint,
		.peer = request->peer,
		.window_ns = request->window_ns,
		.ready = ready,
		.ready_arg = ready_arg};
	err = answer__init(&reading->answer, endpoint->capture, request->profile, request->pid,
		request->peer.uid == 0);
	if (err)
		snprintf(reason, SERVE_REASON_MAX, "pid %u: no such process", request->pid);
	else
		err = endpoint__demand_for(endpoint, name, request->pid, reason);
	if (!err)
		reading->is_gauge = collector__find(name)->read != NULL;
	if (!err && request->window_ns && !reading->is_gauge)
		err = capture__open_tap(endpoint->capture, name, request->pid,
			reading->answer.born_max_ns, &reading->tap);
	if (err) {
		free(reading);
		return err;
	}
	reading->state = request->window_ns ? READING_ARMED : READING_ENDING;
	reading->next = endpoint->readings;
	endpoint->readings = reading;
	endpoint__want_drain(endpoint);
	*ret = reading;
	return 0;
}

/* A process may have become somebody else's (setuid) since it was asked for; one that is gone has been its owner's. */
static bool reading__is_allowed(const struct serve_reading *reading)
{
	return !reading->answer.pid || reading->peer.uid == 0 ||
	       access__check(&reading->peer, reading->answer.pid, NULL) != -EPERM;
}

/* A gauge as it is now: what is there at the window's start, what has changed at its end. 0 or -errno. */
static int reading__read_gauge(struct serve_reading *reading, bool is_end)
{
	struct capture *capture = reading->endpoint->capture;
	const char *name = collector_name(reading->answer.profile);
	int err = capture__read(capture, name);

	if (err)
		return err;
	if (!is_end) {
		reading->before = profile__copy(capture__profile(capture, name));
		return reading->before ? 0 : -ENOMEM;
	}
	if (!reading->before)
		return 0;
	reading->difference = profile__diff(capture__profile(capture, name), reading->before);
	if (!reading->difference)
		return -ENOMEM;
	reading->difference->time_ns = reading->before->time_ns;
	reading->difference->duration_ns = (int64_t)reading->window_ns;
	return 0;
}

static void reading__on_drained(struct serve_reading *reading, uint64_t now_ns)
{
	if (reading->state == READING_READY)
		return;
	if (!reading__is_allowed(reading)) {
		reading->state = READING_READY;
		reading->ready(-EPERM, "the process is not yours any more", reading->ready_arg);
		return;
	}
	if (reading->is_gauge && reading->state != READING_RUNNING &&
		reading__read_gauge(reading, reading->state == READING_ENDING)) {
		reading->state = READING_READY;
		reading->ready(-EIO, "the threads cannot be read", reading->ready_arg);
		return;
	}
	if (reading->state == READING_ARMED) {
		reading->state = READING_RUNNING;
		reading->end_ns = now_ns + reading->window_ns;
	} else if (reading->state == READING_ENDING) {
		reading->state = READING_READY;
		if (reading->tap)
			reading->tap->is_done = true;
		reading->answer.tapped = reading->tap ? reading->tap->profile : reading->difference;
		reading->ready(0, NULL, reading->ready_arg);
	}
}

/* Where containers come and go, old cgroups' paths make room for new ones' once no answer refers to them. */
static void endpoint__renew_cgroups(struct endpoint *endpoint)
{
	struct cgroups *fresh;

	if (endpoint->readings || !cgroups__is_full(endpoint->cgroups))
		return;
	fresh = cgroups__new();
	if (!fresh)
		return;
	cgroups__free(endpoint->cgroups);
	endpoint->cgroups = fresh;
}

void endpoint__on_drained(struct endpoint *endpoint)
{
	uint64_t now_ns = clock__ns(CLOCK_MONOTONIC);
	struct serve_reading *reading, *next;

	endpoint->is_drain_wanted = false;
	for (reading = endpoint->readings; reading; reading = next) {
		next = reading->next; /* ready may end this one, and no other */
		reading__on_drained(reading, now_ns);
	}
	endpoint__set_timer(endpoint);
	endpoint__let_go(endpoint, now_ns);
	endpoint__renew_cgroups(endpoint);
}

/* ---- what the server asks ---- */

static int endpoint__find_profile(void *arg, const char *profile, char reason[SERVE_REASON_MAX])
{
	(void)arg;
	if (collector__find(collector_name(profile)))
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

static size_t endpoint__sample_cnt(void *arg, const char *profile)
{
	struct endpoint *endpoint = arg;
	const struct profile *kept = capture__profile(endpoint->capture, collector_name(profile));

	return kept ? profile__sample_cnt(kept) : 0;
}

static void endpoint__figures(void *arg, struct serve_figures *ret)
{
	struct endpoint *endpoint = arg;

	figures__read(endpoint->figures, endpoint->capture, ret);
	ret->frequency_hz = endpoint->options.frequency_hz;
	ret->has_sched = trace__is_on(endpoint->trace);
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
