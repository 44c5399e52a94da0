// SPDX-License-Identifier: GPL-2.0
/* The profiles of a capture: added and taken away while it runs, read by whoever asks, their stacks kept as long as needed. */
#include "capture_private.h"

#include <errno.h>
#include <string.h>

#include "collect/heap.h"
#include "collect/threads.h"
#include "process/clock.h"

#define SWEEP_TURNS     2 /* drains until every counted stack was sent again */
#define SWEEP_PERIOD_NS (30 * NS_PER_S)

const struct profile *capture__profile_at(const struct capture *capture, size_t index)
{
	return index < capture->profile_cnt ? capture->profiles[index].profile : NULL;
}

const struct profile *capture__profile(const struct capture *capture, const char *name)
{
	size_t i;

	for (i = 0; i < capture->profile_cnt; i++)
		if (!strcmp(capture->profiles[i].profile->kind->name, name))
			return capture->profiles[i].profile;
	return NULL;
}

static struct capture_profile *capture__find(const struct capture *capture, const char *name)
{
	size_t i;

	for (i = 0; i < capture->profile_cnt; i++)
		if (!strcmp(capture->profiles[i].ops->name, name))
			return (struct capture_profile *)&capture->profiles[i];
	return NULL;
}

struct collector *capture__heap(const struct capture *capture)
{
	size_t i;

	for (i = 0; i < capture->profile_cnt; i++)
		if (capture->profiles[i].ops == &collector_heap)
			return capture->profiles[i].collector;
	return NULL;
}

const struct thread_record *capture__threads(const struct capture *capture, size_t *ret_cnt)
{
	size_t i;

	*ret_cnt = 0;
	for (i = 0; i < capture->profile_cnt; i++)
		if (capture->profiles[i].ops == &collector_threads)
			return threads__records(capture->profiles[i].collector, ret_cnt);
	return NULL;
}

int capture__load_profile(struct capture *capture, const char *name, const char **ret_reason)
{
	struct capture_profile *new = &capture->profiles[capture->profile_cnt];
	const struct profile_kind *kind = profile_kind__find(name);
	const struct collector_ops *ops = collector__find(name);
	int err;

	*ret_reason = "cannot measure this profile";
	if (!kind || !ops)
		return -ENOENT;
	if (capture__profile(capture, name))
		return -EEXIST;
	if (capture->profile_cnt == CAPTURE_PROFILES_MAX)
		return -ENOSPC;
	*new = (struct capture_profile){.ops = ops,
		.keep = capture->keep_profile || (capture->usage && strcmp(name, "cpu"))};
	capture->keep_stacks = capture->keep_stacks || new->keep;
	new->profile = profile__new(kind, capture->stacks, &capture_limits);
	if (!new->profile)
		return -ENOMEM;
	err = ops->open(capture->shared, &new->collector, ret_reason);
	if (err) {
		profile__free(new->profile);
		return err;
	}
	new->profile->period = ops->period ? ops->period(new->collector) : 1;
	capture->profile_cnt++;
	return 0;
}

int capture_profile__start(struct capture_profile *entry, const char **ret_reason)
{
	int err;

	entry->profile->time_ns = (int64_t)clock__ns(CLOCK_REALTIME);
	entry->start_ns = clock__ns(CLOCK_MONOTONIC);
	err = entry->ops->start(entry->collector, ret_reason);
	if (err)
		entry->start_ns = 0;
	return err;
}

uint64_t capture__refused_samples(const struct capture *capture)
{
	uint64_t cnt = capture->samples_refused_cnt;
	const struct tap *tap;
	size_t i;

	for (i = 0; i < capture->profile_cnt; i++) {
		cnt += capture->profiles[i].profile->dropped_cnt;
		for (tap = capture->profiles[i].taps; tap; tap = tap->next)
			cnt += tap->profile->dropped_cnt;
	}
	return cnt;
}

void capture_profile__close(struct capture_profile *entry)
{
	struct tap *tap;

	while ((tap = entry->taps)) {
		entry->taps = tap->next;
		tap__free(tap);
	}
	entry->ops->close(entry->collector);
	profile__free(entry->profile);
}

/* From now on every stack that is counted has to be there, also those that were sent while nobody kept them. */
static void capture__begin_keeping(struct capture *capture)
{
	if (capture->keep_stacks)
		return;
	capture->keep_stacks = true;
	shared__forget_stacks(capture->shared);
}

/* Frees the stacks when nobody is left who could ask for them. */
static void capture__end_keeping(struct capture *capture)
{
	size_t i;

	for (i = 0; i < capture->profile_cnt; i++)
		if (capture->profiles[i].keep || capture->profiles[i].taps)
			return;
	if (capture->keep_profile)
		return;
	capture->keep_stacks = false;
	capture->sweep_turns = 0;
	stack_table__age(capture->stacks);
	stack_table__sweep(capture->stacks);
}

int capture__add_profile(struct capture *capture, const char *name, const char **ret_reason)
{
	struct capture_profile *entry = &capture->profiles[capture->profile_cnt];
	int err = capture__load_profile(capture, name, ret_reason);

	if (err)
		return err;
	entry->keep = true;
	capture__begin_keeping(capture);
	err = capture_profile__start(entry, ret_reason);
	if (!err && entry->ops->thin && capture->thin)
		entry->ops->thin(entry->collector, capture->thin);
	if (err) {
		capture_profile__close(&capture->profiles[--capture->profile_cnt]);
		capture__end_keeping(capture);
	}
	return err;
}

int capture__remove_profile(struct capture *capture, const char *name)
{
	struct capture_profile *entry = capture__find(capture, name), *last;

	if (!entry)
		return -ENOENT;
	entry->ops->stop(entry->collector);
	capture->samples_refused_cnt += entry->profile->dropped_cnt;
	capture_profile__close(entry);
	last = &capture->profiles[--capture->profile_cnt];
	memmove(entry, entry + 1, (size_t)((char *)last - (char *)entry));
	capture__end_keeping(capture);
	return 0;
}

/* On the whole host the heap of those processes is measured that somebody reads. */
static void capture__probe_for(struct capture *capture, const struct tap *tap, bool begins)
{
	struct collector *heap = capture__heap(capture);

	if (!heap || tap->profile->kind != &profile_kind_heap || !tap->pid)
		return;
	if (!begins)
		heap__unwant(heap, tap->pid);
	else if (heap__want(heap, tap->pid))
		return;
	capture__follow(capture);
}

int capture__open_tap(struct capture *capture, const char *name, uint32_t pid, uint64_t born_max_ns,
	struct tap **ret)
{
	struct capture_profile *entry = capture__find(capture, name);
	struct tap *tap;

	if (!entry || !entry->start_ns)
		return -ENOENT;
	tap = tap__new(entry->profile->kind, capture->stacks, pid, born_max_ns);
	if (!tap)
		return -ENOMEM;
	tap->profile->period = entry->profile->period;
	capture__begin_keeping(capture);
	tap->next = entry->taps;
	entry->taps = tap;
	capture__probe_for(capture, tap, true);
	*ret = tap;
	return 0;
}

void capture__close_tap(struct capture *capture, struct tap *tap)
{
	struct tap **at;
	size_t i;

	if (!tap)
		return;
	capture__probe_for(capture, tap, false);
	for (i = 0; i < capture->profile_cnt; i++)
		for (at = &capture->profiles[i].taps; *at; at = &(*at)->next)
			if (*at == tap) {
				*at = tap->next;
				break;
			}
	capture->samples_refused_cnt += tap->profile->dropped_cnt;
	tap__free(tap);
	capture__end_keeping(capture);
}

struct drain_target {
	struct capture_profile *entry;
	struct usage *usage; /* NULL unless this is the CPU profile and somebody asked */
};

static int drain_target__add(const struct sample_key *key, const uint64_t *values, void *arg)
{
	struct drain_target *target = arg;
	struct tap *tap;
	int err = 0;

	if (target->usage)
		usage__add(target->usage, key, values);
	if (target->entry->keep)
		err = profile__add(target->entry->profile, key, values);
	for (tap = target->entry->taps; tap && !err; tap = tap->next)
		if (tap__wants(tap, key))
			err = profile__add(tap->profile, key, values);
	return err;
}

/* What a tap has counted ends here; one that was waiting begins. */
static void taps__on_drained(struct tap *taps, uint64_t now_ns)
{
	struct tap *tap;

	for (tap = taps; tap; tap = tap->next) {
		if (tap->is_done)
			continue;
		if (!tap->is_running) {
			tap->is_running = true;
			tap->start_ns = now_ns;
			tap->profile->time_ns = (int64_t)clock__ns(CLOCK_REALTIME);
		}
		tap->profile->duration_ns = (int64_t)(now_ns - tap->start_ns);
	}
}

/* Every collector is drained, whatever becomes of another; the first failure is told. */
int capture__drain_profiles(struct capture *capture, int parity)
{
	uint64_t now_ns = capture->stop_ns ? capture->stop_ns : clock__ns(CLOCK_MONOTONIC);
	int first_err = 0, err;
	size_t i;

	if (capture->usage)
		usage__advance(capture->usage, now_ns);
	for (i = 0; i < capture->profile_cnt; i++) {
		struct capture_profile *entry = &capture->profiles[i];
		struct drain_target target = {.entry = entry};

		if (!entry->start_ns || !entry->ops->drain)
			continue;
		if (entry->profile->kind == &profile_kind_cpu)
			target.usage = capture->usage;
		err = entry->ops->drain(entry->collector, parity, drain_target__add, &target);
		entry->profile->duration_ns = (int64_t)(now_ns - entry->start_ns);
		taps__on_drained(entry->taps, now_ns);
		if (!first_err)
			first_err = err;
	}
	return first_err;
}

static void capture__absorb(void *arg, uint64_t tables_ns)
{
	struct capture *capture = arg;

	capture__on_events(capture);
	if (tables_ns)
		unwind_store__work(capture->unwind, tables_ns);
}

/* Nobody waits for tables while a capture runs. */
static void capture__absorb_ready(void *arg, uint64_t tables_ns)
{
	(void)tables_ns;
	capture__absorb(arg, 0);
}

static bool capture__has_stack(void *arg, uint64_t hash)
{
	struct capture *capture = arg;

	return !capture->keep_stacks || stack_table__find(capture->stacks, hash);
}

static int gauge__add(const struct sample_key *key, const uint64_t *values, void *arg)
{
	return profile__add(arg, key, values);
}

/* A gauge has no past: what is so now takes the place of all that was. */
int capture__read_gauge(struct capture *capture, struct capture_profile *entry)
{
	struct collector_host host = {
		.absorb = capture__absorb, .has_stack = capture__has_stack, .arg = capture};
	int err = profile__clear(entry->profile);

	if (err)
		return err;
	entry->profile->time_ns = (int64_t)clock__ns(CLOCK_REALTIME);
	return entry->ops->read(entry->collector, &host, gauge__add, entry->profile);
}

int capture__settle(struct capture *capture)
{
	struct collector_host host = {
		.absorb = capture->is_stopped ? capture__absorb : capture__absorb_ready,
		.has_stack = capture__has_stack,
		.arg = capture,
	};
	int first_err = 0, err;
	size_t i;

	for (i = 0; i < capture->profile_cnt; i++) {
		const struct capture_profile *entry = &capture->profiles[i];

		err = entry->start_ns && entry->ops->settle
			      ? entry->ops->settle(entry->collector, &host)
			      : 0;
		if (!first_err)
			first_err = err;
	}
	return first_err;
}

int capture__read(struct capture *capture, const char *name)
{
	size_t i;

	for (i = 0; i < capture->profile_cnt; i++) {
		struct capture_profile *entry = &capture->profiles[i];

		if (strcmp(entry->profile->kind->name, name) || !entry->start_ns)
			continue;
		if (!entry->ops->read)
			return -EINVAL;
		capture__begin_keeping(capture);
		return capture__read_gauge(capture, entry);
	}
	return -ENOENT;
}

static int sample__mark_stack(const struct sample *sample, void *arg)
{
	stack_table__mark(arg, sample->key.stack);
	stack_table__mark(
		arg, sample->key.peer.stack); /* of a mutex's waiter; else no stack's hash */
	return 0;
}

/*
 * Stacks that no profile refers to go when the table fills: a daemon that runs for months meets far more of them than it
 * can keep. The kernel half is told to forget what it has sent; two drains later every stack that may still be counted
 * has been sent again.
 */
void capture__sweep_stacks(struct capture *capture)
{
	uint64_t now_ns = clock__ns(CLOCK_MONOTONIC);
	const struct tap *tap;
	size_t i;

	if (!capture->sweep_turns) {
		if (!capture->keep_stacks || !stack_table__is_filling(capture->stacks) ||
			(capture->sweep_ns && now_ns - capture->sweep_ns < SWEEP_PERIOD_NS) ||
			shared__forget_stacks(capture->shared))
			return;
		stack_table__age(capture->stacks);
		capture->sweep_turns = SWEEP_TURNS;
		return;
	}
	if (--capture->sweep_turns)
		return;
	capture->sweep_ns = now_ns;
	for (i = 0; i < capture->profile_cnt; i++) {
		struct capture_profile *entry = &capture->profiles[i];

		if (entry->ops->keeps_stacks && entry->keep && entry->start_ns)
			capture__read_gauge(capture, entry);
		profile__each(capture->profiles[i].profile, sample__mark_stack, capture->stacks);
		for (tap = capture->profiles[i].taps; tap; tap = tap->next)
			profile__each(tap->profile, sample__mark_stack, capture->stacks);
	}
	stack_table__sweep(capture->stacks);
}
