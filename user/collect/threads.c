// SPDX-License-Identifier: GPL-2.0
/* Every thread with its stack, as it is now: a pass over the sleeping ones, then what it could not see. */
#include "collect/threads.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collect/collector.h"
#include "collect/iterator.h"
#include "collect/shared.h"
#include "collect/thread_clock.h"
#include "collect/thread_table.h"
#include "process/clock.h"
#include "threads.skel.h"

#define BATCH_RECORDS                                                                              \
	64 /* at most 64 stacks of 512 frames lie in the stack ring between two reads */
#define ONE_BY_ONE_MAX 64            /* more threads than these are taken again with all others */
#define AGAIN_NS       50000000ull   /* so long threads that move are gone after */
#define TABLES_NS      5000000000ull /* and stacks that wait for unwind tables */
#define PAUSE_US       300           /* until a running thread's clock has met it */

/* In the daemon alone: taking the stack again did not change it, so it is not taken a third time. */
#define THREAD_SETTLED 0x8000

struct collector {
	struct shared *shared;
	struct threads_bpf *bpf;
	struct thread_clock *
		clock; /* NULL until a thread was met that runs: most dumps need none, and it takes time to load */
	struct thread_table table;
	struct thread_table again; /* of the pass that is running */
	const struct collector_host *host;
};

static int threads__on_records(const void *records, size_t cnt, void *arg)
{
	struct collector *threads = arg;

	/* so that the stacks of the next batch find room */
	threads->host->absorb(threads->host->arg, 0);
	return thread_table__add(&threads->again, records, cnt);
}

/* One pass over all targets into threads->again. */
static int threads__pass_all(struct collector *threads)
{
	int err;

	threads->again.cnt = 0;
	/* The clock of the run queue, by which threads say since when they sleep, is written anew by this. */
	sched_yield();
	err = iterator__pass_targets(threads->shared, threads->bpf->progs.threads_pass,
		sizeof(struct thread_record), BATCH_RECORDS, threads__on_records, threads);
	thread_table__sort(&threads->again);
	return err;
}

static bool record__awaits_table(const struct thread_record *record)
{
	return record->stack &&
	       (record->end == STACK_END_NO_TABLE || record->end == STACK_END_NO_MAPPING);
}

static bool record__is_open(const struct collector *threads, const struct thread_record *record)
{
	if (record->flags & THREAD_SETTLED)
		return false;
	if (record->flags & THREAD_AGAIN || record__awaits_table(record))
		return true;
	return record->stack && !threads->host->has_stack(threads->host->arg, record->stack);
}

/* What the second look at a thread says takes the place of the first. */
static void record__update(struct thread_record *record, const struct thread_record *update)
{
	bool is_same = record->stack == update->stack && record->end == update->end;

	*record = *update;
	if (is_same && !(record->flags & THREAD_AGAIN))
		record->flags |= THREAD_SETTLED;
}

static void threads__look_at_clock(struct collector *threads, struct thread_record *record)
{
	struct thread_sample sample;

	if (!(record->flags & THREAD_ON_CPU) || !threads->clock ||
		!thread_clock__take(threads->clock, record->tid, &sample))
		return;
	if (record->stack == sample.stack)
		record->flags |= THREAD_SETTLED;
	record->stack = sample.stack;
	record->end = (uint16_t)sample.end;
	record->flags &= (uint16_t)~THREAD_AGAIN;
}

static int threads__again(struct collector *threads, struct thread_record *record)
{
	const struct thread_record *update;
	int err;

	if (record->flags & THREAD_ON_CPU)
		threads__look_at_clock(threads, record);
	if (!(record->flags & THREAD_AGAIN) && !record__is_open(threads, record))
		return 0;
	threads->again.cnt = 0;
	err = iterator__pass(threads->bpf->progs.threads_pass,
		&(struct iterator_scope){.tid = record->tid}, sizeof(*record), 1,
		threads__on_records, threads);
	update = thread_table__find(&threads->again, record->pid, record->tid);
	if (update)
		record__update(record, update);
	else
		record->flags |=
			THREAD_SETTLED; /* gone meanwhile; it was there when the pass was */
	return err;
}

/* Too many for one after the other. Threads that are new now were not there at the pass. */
static int threads__all_again(struct collector *threads)
{
	const struct thread_record *update;
	int err = threads__pass_all(threads);
	size_t i;

	for (i = 0; !err && i < threads->table.cnt; i++) {
		struct thread_record *record = &threads->table.records[i];

		if (!record__is_open(threads, record))
			continue;
		update = thread_table__find(&threads->again, record->pid, record->tid);
		if (update)
			record__update(record, update);
		else
			record->flags |= THREAD_SETTLED;
	}
	return err;
}

/* How many are open, and of what kind. */
struct open_records {
	size_t cnt;
	size_t running_cnt;
	size_t table_cnt;
};

/* Without it threads that run have no stack. */
static bool threads__has_clock(struct collector *threads)
{
	const char *reason;

	if (!threads->clock && thread_clock__open(threads->shared, &threads->clock, &reason))
		threads->clock = NULL;
	return threads->clock != NULL;
}

static struct open_records threads__open_records(struct collector *threads)
{
	struct open_records open = {0};
	size_t i;

	for (i = 0; i < threads->table.cnt; i++) {
		struct thread_record *record = &threads->table.records[i];

		if (!record__is_open(threads, record))
			continue;
		open.cnt++;
		open.table_cnt += record__awaits_table(record);
		if (record->flags & THREAD_ON_CPU && threads__has_clock(threads) &&
			!thread_clock__start(threads->clock, record->tid))
			open.running_cnt++;
	}
	return open;
}

static int threads__round(struct collector *threads, const struct open_records *open)
{
	size_t i;
	int err = 0;

	if (open->cnt > ONE_BY_ONE_MAX && open->cnt > open->running_cnt)
		return threads__all_again(threads);
	for (i = 0; !err && i < threads->table.cnt; i++)
		if (record__is_open(threads, &threads->table.records[i]))
			err = threads__again(threads, &threads->table.records[i]);
	return err;
}

/* Threads that ran, and stacks that ended where no table was yet, until all are known or time is up. */
static int threads__complete(struct collector *threads)
{
	uint64_t start_ns = clock__ns(CLOCK_MONOTONIC), moved_ns = start_ns + AGAIN_NS;
	int err = 0;

	while (!err) {
		const struct thread_clock *clock = threads->clock;
		struct open_records open;
		uint64_t now_ns;

		threads->host->absorb(threads->host->arg, TABLES_NS);
		open = threads__open_records(threads);
		now_ns = clock__ns(CLOCK_MONOTONIC);
		if (!open.cnt || now_ns - start_ns > TABLES_NS)
			break;
		/* Time that went into tables or the clock's load is not time that threads had to come to rest. */
		if (open.table_cnt || threads->clock != clock)
			moved_ns = now_ns + AGAIN_NS;
		if (now_ns > moved_ns)
			break;
		if (open.running_cnt)
			usleep(PAUSE_US);
		err = threads__round(threads, &open);
	}
	if (threads->clock)
		thread_clock__stop(threads->clock);
	return err;
}

static int record__emit(const struct thread_record *record, collector_sample_fn fn, void *arg)
{
	static const uint64_t one[] = {1};
	struct sample_key key = {
		.stack = record->stack,
		.start_ns = record->start_ns,
		.cgroup = record->cgroup,
		.pid = record->pid,
		.tag = record->state,
	};

	memcpy(key.comm, record->comm, sizeof(key.comm));
	memcpy(key.thread, record->thread, sizeof(key.thread));
	return fn(&key, one, arg);
}

static int threads__read(struct collector *threads, const struct collector_host *host,
	collector_sample_fn fn, void *arg)
{
	struct thread_table table;
	size_t i;
	int err;

	threads->host = host;
	err = threads__pass_all(threads);
	if (err)
		return err;
	table = threads->table;
	threads->table = threads->again;
	threads->again = table;
	err = threads__complete(threads);
	for (i = 0; !err && i < threads->table.cnt; i++)
		err = record__emit(&threads->table.records[i], fn, arg);
	return err;
}

const struct thread_record *threads__records(const struct collector *threads, size_t *ret_cnt)
{
	*ret_cnt = threads->table.cnt;
	return threads->table.records;
}

static void threads__close(struct collector *threads)
{
	if (!threads)
		return;
	thread_clock__close(threads->clock);
	if (threads->bpf)
		shared__remove(threads->shared, threads->bpf->obj);
	threads_bpf__destroy(threads->bpf);
	thread_table__free(&threads->table);
	thread_table__free(&threads->again);
	free(threads);
}

static int threads__load(struct collector *threads, const char **ret_reason)
{
	*ret_reason = "cannot open the program that passes over threads";
	threads->bpf = threads_bpf__open();
	if (!threads->bpf)
		return -errno;
	bpf_program__set_autoload(threads->bpf->progs.threads_pass, true);
	*ret_reason = "cannot load the program that passes over threads";
	return shared__load(threads->shared, threads->bpf->skeleton);
}

static int threads__open(struct shared *shared, struct collector **ret, const char **ret_reason)
{
	struct collector *threads = calloc(1, sizeof(*threads));
	int err;

	*ret_reason = "out of memory";
	if (!threads)
		return -ENOMEM;
	threads->shared = shared;
	err = threads__load(threads, ret_reason);
	if (!err)
		*ret = threads;
	else
		threads__close(threads);
	return err;
}

/* Between two reads nothing of it runs. */
static int threads__start(struct collector *threads, const char **ret_reason)
{
	(void)threads, (void)ret_reason;
	return 0;
}

static void threads__stop(struct collector *threads)
{
	(void)threads;
}

const struct collector_ops collector_threads = {
	.name = "threads",
	.open = threads__open,
	.start = threads__start,
	.stop = threads__stop,
	.read = threads__read,
	.close = threads__close,
};
