// SPDX-License-Identifier: GPL-2.0
/* One capture: collectors, process table, stacks and profile, and the order in which they are drained. */
#include "capture.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "collect/collector.h"
#include "collect/heap.h"
#include "collect/stack_ring.h"
#include "collect/targets.h"
#include "collect/threads.h"
#include "process/events.h"
#include "process/proc.h"
#include "process/publish.h"

#define NS_PER_S            1000000000ull
#define QUIET_SPINS         200
#define PID_MAX             4194304 /* PID_MAX_LIMIT */
#define USAGE_PROCESSES_MAX 2048
#define SWEEP_TURNS         2 /* drains until every counted stack was sent again */
#define SWEEP_PERIOD_NS     (30 * NS_PER_S)
#define FINAL_TRIES         1000
#define FIRST_TABLES_NS                                                                            \
	(2 * NS_PER_S)             /* at most so long --pid waits for the tables of its process */
#define TABLES_SLICE_NS 1000000ull /* of a turn: no trace line is late */

/* What the daemon keeps at the most; what does not fit is counted. */
static const struct profile_limits limits = {
	.stacks_max = 200000,
	.samples_max = 200000,
	.bytes_max = 64 << 20,
};

/* One collector and what it has measured. */
struct capture_profile {
	const struct collector_ops *ops;
	struct collector *collector;
	struct profile *profile; /* stays empty unless keep */
	bool keep;
	struct tap *taps;
	uint64_t start_ns; /* CLOCK_MONOTONIC; 0: not started */
};

struct capture {
	struct shared *shared;
	struct files *files;
	struct processes *processes;
	struct process_events *events;
	struct publisher *publisher;
	struct targets *targets;
	struct unwind_store *unwind;
	uint32_t files_seen; /* files whose tables have been asked for ahead of time */
	struct stack_ring *ring;
	struct stack_table *stacks;
	struct capture_profile profiles[CAPTURE_PROFILES_MAX];
	size_t profile_cnt;
	uint64_t start_ns, stop_ns; /* CLOCK_MONOTONIC; 0: not yet */
	int pending_parity;         /* an epoch that ended but was not quiet yet; -1: none */
	uint64_t turn_ns;           /* CLOCK_BOOTTIME of the last turn */
	uint64_t stacks_refused_cnt;
	struct stack *scratch; /* STACK_FRAMES_MAX frames */
	struct usage *usage;   /* NULL: not asked for */
	bool keep_stacks;      /* some profile is kept, or some tap is open */
	int sweep_turns; /* drains until the stacks that were not sent again go; 0: none under way */
	uint64_t sweep_ns; /* CLOCK_MONOTONIC of the last sweep */
	bool keep_profile;
	bool is_stopped;
};

static uint64_t clock__ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static void capture__on_table_request(uint32_t file_id, void *arg)
{
	struct capture *capture = arg;

	unwind_store__request(capture->unwind, file_id, true);
}

static int capture__open_unwind(struct capture *capture)
{
	struct shared *shared = capture->shared;
	struct unwind_store_maps maps = {
		.chunks_fd = shared__map_fd(shared, "unwind_chunks"),
		.chunk_max = shared__map_entries(shared, "unwind_chunks"),
	};

	maps.files = shared__mmap(shared, "unwind_files", &maps.file_max);
	maps.pages = shared__mmap(shared, "unwind_pages", &maps.page_max);
	maps.rules = shared__mmap(shared, "unwind_rules", &maps.rule_max);
	if (!maps.files || !maps.pages || !maps.rules)
		return -errno;
	capture->unwind = unwind_store__new(&maps, capture->files);
	return capture->unwind ? 0 : -ENOMEM;
}

static int capture__open_maps(struct capture *capture, const char **ret_reason)
{
	struct publisher_maps maps = {
		.process_slices_fd = shared__map_fd(capture->shared, "process_slices")};
	int err = stack_ring__open(shared__map_fd(capture->shared, "stack_ring"),
		capture__on_table_request, capture, &capture->ring);

	*ret_reason = "cannot map the stack ring";
	if (err)
		return err;
	*ret_reason = "cannot map the mapping tables";
	maps.slices = shared__mmap(capture->shared, "mapping_slices", &maps.slice_max);
	maps.rows = shared__mmap(capture->shared, "mapping_rows", &maps.row_max);
	if (!maps.slices || !maps.rows)
		return -errno;
	capture->publisher = publisher__new(&maps);
	if (!capture->publisher)
		return -ENOMEM;
	*ret_reason = "cannot map the unwind tables";
	return capture__open_unwind(capture);
}

static int capture__open_processes(
	struct capture *capture, const struct capture_options *options, const char **ret_reason)
{
	int err;

	if (!options->all_processes) {
		err = targets__open(
			capture->shared, options->follow_children, &capture->targets, ret_reason);
		if (err)
			return err;
	}
	/* Events are on before /proc is read, so that nothing starts unseen in between. */
	err = process_events__open(&capture->events, ret_reason);
	if (err || !options->all_processes)
		return err;
	*ret_reason = "cannot read /proc";
	return processes__scan_all(capture->processes, clock__ns(CLOCK_BOOTTIME));
}

static int capture__alloc(struct capture *capture, const struct capture_options *options)
{
	struct prog_options prog_options = {
		.period_ns = NS_PER_S / options->frequency_hz,
		.heap_rate_bytes = options->heap_rate_bytes,
		.all_processes = options->all_processes,
		.follow_children = options->follow_children,
	};
	int err = shared__new(&prog_options, &options->sizes, &capture->shared);

	if (err)
		return err;
	capture->files = files__new();
	if (!capture->files)
		return -ENOMEM;
	capture->processes = processes__new(
		capture->files, options->all_processes, options->follow_children);
	capture->stacks = stack_table__new(&limits);
	capture->scratch = calloc(
		1, sizeof(*capture->scratch) + STACK_FRAMES_MAX * sizeof(uint64_t));
	if (options->is_served) {
		capture->usage = usage__new(USAGE_PROCESSES_MAX);
		if (!capture->usage)
			return -ENOMEM;
	}
	return capture->processes && capture->stacks && capture->scratch ? 0 : -ENOMEM;
}

/* Loads one collector, which does not run yet. */
static int capture__load_profile(struct capture *capture, const char *name, const char **ret_reason)
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
	new->profile = profile__new(kind, capture->stacks, &limits);
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

static int capture_profile__start(struct capture_profile *entry, const char **ret_reason)
{
	int err;

	entry->profile->time_ns = (int64_t)clock__ns(CLOCK_REALTIME);
	entry->start_ns = clock__ns(CLOCK_MONOTONIC);
	err = entry->ops->start(entry->collector, ret_reason);
	if (err)
		entry->start_ns = 0;
	return err;
}

static void capture_profile__close(struct capture_profile *entry)
{
	struct tap *tap;

	while ((tap = entry->taps)) {
		entry->taps = tap->next;
		tap__free(tap);
	}
	entry->ops->close(entry->collector);
	profile__free(entry->profile);
}

int capture__open(
	const struct capture_options *options, struct capture **ret, const char **ret_reason)
{
	struct capture *capture = calloc(1, sizeof(*capture));
	size_t i;
	int err;

	*ret_reason = "cannot start";
	if (!capture)
		return -ENOMEM;
	capture->pending_parity = -1;
	capture->keep_profile = capture->keep_stacks = options->keep_profile;
	err = capture__alloc(capture, options);
	if (err)
		goto out;
	/* The first one makes the maps that all share. */
	for (i = 0; i < options->profile_cnt; i++) {
		err = capture__load_profile(capture, options->profiles[i], ret_reason);
		if (err)
			goto out;
	}
	err = capture__open_maps(capture, ret_reason);
	if (err)
		goto out;
	err = capture__open_processes(capture, options, ret_reason);
	if (err)
		goto out;
	*ret = capture;
	return 0;
out:
	capture__free(capture);
	return err;
}

int capture__add_target(struct capture *capture, pid_t pid)
{
	int err = processes__scan(capture->processes, (uint32_t)pid, clock__ns(CLOCK_BOOTTIME));

	return err ? err : shared__add_target(capture->shared, (uint32_t)pid);
}

/* Tables of files that are mapped are built before a stack asks for them. */
static void capture__request_tables(struct capture *capture)
{
	/* Of a process that was asked for every stack matters; of the host's files only some will ever be seen. */
	bool is_urgent = !shared__options(capture->shared)->all_processes;

	while (capture->files_seen < files__cnt(capture->files))
		unwind_store__request(capture->unwind, ++capture->files_seen, is_urgent);
}

/* Collectors that attach to processes are told of them once the tables are there that their stacks need. */
static void capture__follow(struct capture *capture)
{
	size_t i;

	for (i = 0; i < capture->profile_cnt; i++)
		if (capture->profiles[i].ops->follow && capture->profiles[i].start_ns &&
			!capture->is_stopped)
			capture->profiles[i].ops->follow(
				capture->profiles[i].collector, capture->processes);
}

int capture__start(struct capture *capture, const char **ret_reason)
{
	size_t i;
	int err = 0;

	capture__on_events(capture);
	if (!shared__options(capture->shared)->all_processes)
		unwind_store__work(capture->unwind, FIRST_TABLES_NS);
	capture->turn_ns = clock__ns(CLOCK_BOOTTIME);
	capture->start_ns = clock__ns(CLOCK_MONOTONIC);
	for (i = 0; !err && i < capture->profile_cnt; i++)
		err = capture_profile__start(&capture->profiles[i], ret_reason);
	if (!err)
		capture__follow(capture);
	return err;
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
	if (err) {
		capture_profile__close(&capture->profiles[--capture->profile_cnt]);
		capture__end_keeping(capture);
	}
	return err;
}

static struct capture_profile *capture__find(const struct capture *capture, const char *name)
{
	size_t i;

	for (i = 0; i < capture->profile_cnt; i++)
		if (!strcmp(capture->profiles[i].ops->name, name))
			return (struct capture_profile *)&capture->profiles[i];
	return NULL;
}

int capture__remove_profile(struct capture *capture, const char *name)
{
	struct capture_profile *entry = capture__find(capture, name), *last;

	if (!entry)
		return -ENOENT;
	entry->ops->stop(entry->collector);
	capture_profile__close(entry);
	last = &capture->profiles[--capture->profile_cnt];
	memmove(entry, entry + 1, (size_t)((char *)last - (char *)entry));
	capture__end_keeping(capture);
	return 0;
}

static void capture__follow(struct capture *capture);

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
	tap__free(tap);
	capture__end_keeping(capture);
}

int capture__each_fd(const struct capture *capture, int (*fn)(int fd, void *arg), void *arg)
{
	int err = process_events__each_fd(capture->events, fn, arg);

	return err ? err : fn(stack_ring__fd(capture->ring), arg);
}

static int capture__keep_stack(const struct stack_record *record, const uint64_t *frames, void *arg)
{
	struct capture *capture = arg;
	struct stack *stack = capture->scratch;
	int err;

	if (!capture->keep_stacks)
		return 0;
	stack->hash = record->hash;
	stack->kernel_cnt = record->kernel_cnt;
	stack->user_cnt = record->user_cnt;
	stack->end = (uint8_t)record->end;
	memcpy(stack->frames, frames,
		((size_t)record->kernel_cnt + record->user_cnt) * sizeof(*frames));
	err = stack_table__add(capture->stacks, stack);
	if (err == -ENOSPC || err == -ENOMEM)
		capture->stacks_refused_cnt++;
	return 0;
}

int capture__on_events(struct capture *capture)
{
	int again_ms;

	/* Stacks are taken before the events and delivered after: an event that a stack needs was written before it. */
	stack_ring__take(capture->ring);
	process_events__drain(capture->events, capture->processes);
	again_ms = publisher__flush(
		capture->publisher, capture->processes, clock__ns(CLOCK_BOOTTIME));
	stack_ring__deliver(capture->ring, capture->processes, capture__keep_stack, capture);
	capture__follow(capture);
	capture__request_tables(capture);
	return unwind_store__work(capture->unwind, TABLES_SLICE_NS) ? 1 : again_ms;
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
		if (tap->is_running && tap__wants(tap, key))
			err = profile__add(tap->profile, key, values);
	return err;
}

/* What a tap has counted ends here; one that was waiting begins. */
static void taps__on_drained(struct tap *taps, uint64_t now_ns)
{
	struct tap *tap;

	for (tap = taps; tap; tap = tap->next) {
		if (!tap->is_running) {
			tap->is_running = true;
			tap->start_ns = now_ns;
			tap->profile->time_ns = (int64_t)clock__ns(CLOCK_REALTIME);
		}
		tap->profile->duration_ns = (int64_t)(now_ns - tap->start_ns);
	}
}

/* Every collector is drained, whatever becomes of another; the first failure is told. */
static int capture__drain_profiles(struct capture *capture, int parity)
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
static int capture__read_gauge(struct capture *capture, struct capture_profile *entry)
{
	struct collector_host host = {
		.absorb = capture__absorb, .has_stack = capture__has_stack, .arg = capture};
	int err = profile__clear(entry->profile);

	if (err)
		return err;
	entry->profile->time_ns = (int64_t)clock__ns(CLOCK_REALTIME);
	return entry->ops->read(entry->collector, &host, gauge__add, entry->profile);
}

static int sample__mark_stack(const struct sample *sample, void *arg)
{
	stack_table__mark(arg, sample->key.stack);
	return 0;
}

/*
 * Stacks that no profile refers to go when the table fills: a daemon that runs for months meets far more of them than it
 * can keep. The kernel half is told to forget what it has sent; two drains later every stack that may still be counted
 * has been sent again.
 */
static void capture__sweep_stacks(struct capture *capture)
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

uint64_t capture__tick(struct capture *capture)
{
	uint64_t next_ns = 0;
	size_t i;

	for (i = 0; i < capture->profile_cnt && !capture->is_stopped; i++) {
		struct capture_profile *entry = &capture->profiles[i];
		int64_t wait_ns;

		if (!entry->ops->tick || !entry->start_ns)
			continue;
		wait_ns = entry->ops->tick(entry->collector);
		if (wait_ns < 0)
			wait_ns = NS_PER_S; /* it tries again */
		if (!next_ns || (uint64_t)wait_ns < next_ns)
			next_ns = (uint64_t)wait_ns;
	}
	return next_ns;
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

const struct thread_record *capture__threads(const struct capture *capture, size_t *ret_cnt)
{
	size_t i;

	*ret_cnt = 0;
	for (i = 0; i < capture->profile_cnt; i++)
		if (capture->profiles[i].ops == &collector_threads)
			return threads__records(capture->profiles[i].collector, ret_cnt);
	return NULL;
}

/* Ends the epoch; the parity that is quiet now, or -1. */
static int capture__end_epoch(struct capture *capture)
{
	int parity = capture->pending_parity, spin;

	if (parity < 0)
		parity = shared__flip(capture->shared);
	for (spin = 0; spin < QUIET_SPINS; spin++) {
		if (shared__is_quiet(capture->shared, parity)) {
			capture->pending_parity = -1;
			return parity;
		}
		sched_yield();
	}
	capture->pending_parity = parity;
	return -1;
}

int capture__drain(struct capture *capture)
{
	uint64_t last_turn_ns = capture->turn_ns;
	int parity = capture__end_epoch(capture), err;

	if (parity < 0)
		return -EAGAIN;
	capture__on_events(capture);
	err = capture__drain_profiles(capture, parity);
	capture__sweep_stacks(capture);
	/* Samples older than the last turn are drained: what ended before it is referred to no more. */
	publisher__begin_epoch(capture->publisher, shared__epoch(capture->shared));
	unwind_store__begin_epoch(capture->unwind, shared__epoch(capture->shared));
	capture->turn_ns = clock__ns(CLOCK_BOOTTIME);
	processes__forget(capture->processes, last_turn_ns, capture->turn_ns, publisher__drop,
		capture->publisher);
	return err;
}

int capture__settle(struct capture *capture)
{
	int first_err = 0, err;
	size_t i;

	for (i = 0; i < capture->profile_cnt; i++) {
		const struct capture_profile *entry = &capture->profiles[i];

		err = entry->start_ns && entry->ops->settle ? entry->ops->settle(entry->collector)
							    : 0;
		if (!first_err)
			first_err = err;
	}
	return first_err;
}

int capture__stop(struct capture *capture)
{
	int err = -EAGAIN, gauge_err = 0, tries, turn;
	size_t i;

	if (capture->is_stopped)
		return 0;
	capture->is_stopped = true;
	for (i = 0; i < capture->profile_cnt; i++)
		if (!gauge_err && capture->profiles[i].ops->read && capture->profiles[i].keep &&
			capture->profiles[i].start_ns)
			gauge_err = capture__read_gauge(capture, &capture->profiles[i]);
	for (i = capture->profile_cnt; i-- > 0;)
		capture->profiles[i].ops->stop(capture->profiles[i].collector);
	capture->stop_ns = clock__ns(CLOCK_MONOTONIC);
	/* Both parities: the current one, and the one that a late program may have written after its last drain. */
	for (turn = 0; turn < 2; turn++) {
		err = -EAGAIN;
		for (tries = 0; tries < FINAL_TRIES && err == -EAGAIN; tries++)
			err = capture__drain(capture);
		if (err)
			break;
	}
	return gauge_err ? gauge_err : err;
}

void capture__free(struct capture *capture)
{
	if (!capture)
		return;
	while (capture->profile_cnt)
		capture_profile__close(&capture->profiles[--capture->profile_cnt]);
	targets__close(capture->targets);
	process_events__close(capture->events);
	stack_ring__close(capture->ring);
	publisher__free(capture->publisher);
	unwind_store__free(capture->unwind);
	stack_table__free(capture->stacks);
	processes__free(capture->processes);
	files__free(capture->files);
	shared__free(capture->shared);
	usage__free(capture->usage);
	free(capture->scratch);
	free(capture);
}

struct shared *capture__shared(const struct capture *capture)
{
	return capture->shared;
}

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

struct collector *capture__heap(const struct capture *capture)
{
	size_t i;

	for (i = 0; i < capture->profile_cnt; i++)
		if (capture->profiles[i].ops == &collector_heap)
			return capture->profiles[i].collector;
	return NULL;
}

uint64_t capture__duration_ns(const struct capture *capture)
{
	uint64_t end_ns = capture->stop_ns ? capture->stop_ns : clock__ns(CLOCK_MONOTONIC);

	return capture->start_ns ? end_ns - capture->start_ns : 0;
}

const struct files *capture__files(const struct capture *capture)
{
	return capture->files;
}

const struct processes *capture__processes(const struct capture *capture)
{
	return capture->processes;
}

const struct usage *capture__usage(const struct capture *capture)
{
	return capture->usage;
}

int capture__find_process(const struct capture *capture, uint32_t pid)
{
	struct proc_stat stat;

	if (pid > PID_MAX || proc_stat__read((pid_t)pid, &stat))
		return -ESRCH;
	if (shared__options(capture->shared)->all_processes)
		return 0;
	return shared__find_target(capture->shared, pid);
}

void capture__unwind_stats(const struct capture *capture, struct unwind_store_stats *ret)
{
	unwind_store__stats(capture->unwind, ret);
}

void capture__losses(const struct capture *capture, struct capture_losses *ret)
{
	size_t i;

	ret->process_events = process_events__lost_cnt(capture->events);
	ret->processes_unpublished = publisher__full_cnt(capture->publisher);
	ret->stacks_refused = capture->stacks_refused_cnt;
	ret->samples_refused = 0;
	for (i = 0; i < capture->profile_cnt; i++)
		ret->samples_refused += capture->profiles[i].profile->dropped_cnt;
	ret->files_refused = files__refused_cnt(capture->files);
	ret->records_bad = stack_ring__bad_cnt(capture->ring);
}
