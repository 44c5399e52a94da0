// SPDX-License-Identifier: GPL-2.0
/* One capture: collectors, process table, stacks and profile, and the order in which they are drained. */
#include "capture_private.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "collect/collector.h"
#include "collect/heap.h"
#include "collect/stack_ring.h"
#include "collect/targets.h"
#include "collect/threads.h"
#include "process/clock.h"
#include "process/events.h"
#include "process/proc.h"
#include "process/publish.h"
#include "process/scan.h"
#include "symbol/perf_map_keep.h"

#define QUIET_SPINS         200
#define PID_MAX             4194304 /* PID_MAX_LIMIT */
#define USAGE_PROCESSES_MAX 2048
#define FINAL_TRIES         1000
#define FIRST_TABLES_NS                                                                            \
	(2 * NS_PER_S)             /* at most so long --pid waits for the tables of its process */
#define TABLES_SLICE_NS 1000000ull /* of a turn: no trace line is late */

/* What the daemon keeps at the most; what does not fit is counted. */
const struct profile_limits capture_limits = {
	.stacks_max = 200000,
	.samples_max = 200000,
	.bytes_max = 64 << 20,
};

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
	return processes__scan_all(capture->processes);
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
	capture->stacks = stack_table__new(&capture_limits);
	capture->scratch = calloc(
		1, sizeof(*capture->scratch) + STACK_FRAMES_MAX * sizeof(uint64_t));
	if (options->is_served) {
		capture->usage = usage__new(USAGE_PROCESSES_MAX);
		if (!capture->usage)
			return -ENOMEM;
	}
	capture->perf_maps = perf_maps__new("/proc");
	return capture->processes && capture->stacks && capture->scratch && capture->perf_maps
		       ? 0
		       : -ENOMEM;
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
void capture__follow(struct capture *capture)
{
	size_t i;

	for (i = 0; i < capture->profile_cnt; i++)
		if (capture->profiles[i].ops->follow && capture->profiles[i].start_ns &&
			!capture->is_stopped)
			capture->profiles[i].ops->follow(
				capture->profiles[i].collector, capture->processes);
}

void capture__build_tables(struct capture *capture)
{
	capture__on_events(capture);
	if (!shared__options(capture->shared)->all_processes)
		unwind_store__work(capture->unwind, FIRST_TABLES_NS);
}

int capture__start(struct capture *capture, const char **ret_reason)
{
	size_t i;
	int err = 0;

	capture__build_tables(capture);
	capture->turn_ns = clock__ns(CLOCK_BOOTTIME);
	capture->start_ns = clock__ns(CLOCK_MONOTONIC);
	for (i = 0; !err && i < capture->profile_cnt; i++)
		err = capture_profile__start(&capture->profiles[i], ret_reason);
	if (!err)
		capture__follow(capture);
	return err;
}

int capture__each_fd(const struct capture *capture, int (*fn)(int fd, void *arg), void *arg)
{
	int err = process_events__each_fd(capture->events, fn, arg);

	return err ? err : fn(stack_ring__fd(capture->ring), arg);
}

/* After those that lie in files are known. */
static bool record__has_raw(const struct stack_record *record, const uint64_t *frames)
{
	size_t i;

	for (i = record->kernel_cnt; i < (size_t)record->kernel_cnt + record->user_cnt; i++)
		if (!(frames[i] & (FRAME_FILE | FRAME_KERNEL)))
			return true;
	return false;
}

static int capture__keep_stack(const struct stack_record *record, const uint64_t *frames, void *arg)
{
	struct capture *capture = arg;
	struct stack *stack = capture->scratch;
	int err;

	if (!capture->keep_stacks)
		return 0;
	if (record->raw_cnt && record__has_raw(record, frames))
		perf_maps__see(capture->perf_maps, record->pid, record->start_ns, record->time_ns);
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
	bool is_more;
	int again_ms;

	/* Stacks are taken before the events and delivered after: an event that a stack needs was written before it. */
	stack_ring__take(capture->ring);
	process_events__drain(capture->events, capture->processes, &is_more);
	again_ms = publisher__flush(
		capture->publisher, capture->processes, clock__ns(CLOCK_BOOTTIME));
	stack_ring__deliver(capture->ring, capture->processes, capture__keep_stack, capture);
	capture__follow(capture);
	capture__request_tables(capture);
	return unwind_store__work(capture->unwind, TABLES_SLICE_NS) || is_more ? 1 : again_ms;
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
	capture__release_files(capture);
	return err;
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
	capture__settle(capture);
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
	perf_maps__free(capture->perf_maps);
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

const struct perf_maps *capture__perf_maps(const struct capture *capture)
{
	return capture->perf_maps;
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
