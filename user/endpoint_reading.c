// SPDX-License-Identifier: GPL-2.0
/* Readings: what one request has of a profile, from one drain to another. */
#include "endpoint_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collect/collector.h"
#include "process/clock.h"
#include "serve/access.h"

/* allocs is what the heap's collector counts, with another default. */
const char *endpoint__collector(const char *profile)
{
	return strcmp(profile, "allocs") ? profile : "heap";
}

/* What threads wait for now is counted up to now, by a pass over all of them, if the reading is one of waits. */
static void endpoint__want_drain(struct endpoint *endpoint, bool settles)
{
	if (settles && !endpoint->is_settled) {
		endpoint->is_settled = true;
		capture__settle(endpoint->capture);
	}
	if (endpoint->is_drain_wanted)
		return; /* in a millisecond: of many requests at once all but the first are that much early */
	endpoint->is_drain_wanted = true;
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

void endpoint__on_timer(void *arg)
{
	struct endpoint *endpoint = arg;
	uint64_t now_ns = clock__ns(CLOCK_MONOTONIC);
	struct serve_reading *reading;
	bool has_ended = false, settles = false;

	for (reading = endpoint->readings; reading; reading = reading->next)
		if (reading->state == READING_RUNNING && reading->end_ns <= now_ns) {
			reading->state = READING_ENDING;
			has_ended = true;
			settles |= reading->settles;
		}
	if (has_ended)
		endpoint__want_drain(endpoint, settles);
	endpoint__set_timer(endpoint);
}

void endpoint__end(void *arg, struct serve_reading *reading)
{
	struct endpoint *endpoint = arg;
	struct serve_reading **at = &endpoint->readings;
	struct on_demand *entry = endpoint__find_on_demand(
		endpoint, endpoint__collector(reading->answer.profile));

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

int endpoint__start(void *arg, const struct serve_reading_request *request, serve_ready_fn ready,
	void *ready_arg, struct serve_reading **ret, char reason[SERVE_REASON_MAX])
{
	const char *name = endpoint__collector(request->profile);
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
	if (!err) {
		reading->is_gauge = collector__find(name)->read != NULL;
		reading->settles = collector__find(name)->settle != NULL;
	}
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
	endpoint__want_drain(endpoint, reading->settles);
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
	const char *name = endpoint__collector(reading->answer.profile);
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

	endpoint->is_drain_wanted = endpoint->is_settled = false;
	for (reading = endpoint->readings; reading; reading = next) {
		next = reading->next; /* ready may end this one, and no other */
		reading__on_drained(reading, now_ns);
	}
	endpoint__set_timer(endpoint);
	endpoint__let_go(endpoint, now_ns);
	endpoint__renew_cgroups(endpoint);
}
