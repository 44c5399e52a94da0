// SPDX-License-Identifier: GPL-2.0
/* The wall clock's profile: where each thread is, tick by tick, whether it runs or not. */
#include <errno.h>
#include <stdlib.h>

#include <bpf/bpf.h>

#include "collect/collector.h"
#include "collect/drain.h"
#include "collect/iterator.h"
#include "collect/perf_event.h"
#include "collect/shared.h"
#include "process/clock.h"
#include "thread.h"
#include "wall.h"
#include "wall.skel.h"
#include "wall_clock.skel.h"

/* Ticks may cost this part of one CPU: what costs more is done less often, each tick standing for more. */
#define BUDGET_DIVISOR 20

struct collector {
	struct shared *shared;
	struct wall_bpf *bpf;
	struct wall_clock_bpf *clock_bpf;
	struct cpu_clock *clock;
	uint64_t start_ns; /* CLOCK_MONOTONIC; 0: not started */
	uint64_t last_ns;
	uint64_t due_ns;     /* of the next tick */
	uint64_t period_cnt; /* counted since the start */
};

static int wall__on_records(const void *records, size_t cnt, void *arg)
{
	(void)records, (void)cnt, (void)arg;
	return 0;
}

/* A tick stands for the time since the last one, whenever it comes: totals do not depend on how many there are. */
static int64_t wall__tick(struct collector *wall)
{
	uint64_t period_ns = shared__options(wall->shared)->period_ns,
		 now_ns = clock__ns(CLOCK_MONOTONIC), cpu_ns, wait_ns, period_cnt;
	int err;

	period_cnt = (now_ns - wall->start_ns) / period_ns;
	wall->bpf->bss->wall_control.cnt = period_cnt - wall->period_cnt;
	wall->bpf->bss->wall_control.ns = now_ns - wall->last_ns;
	wall->bpf->bss->wall_control.due_ns = wall->due_ns < now_ns ? wall->due_ns : now_ns;
	cpu_ns = clock__ns(CLOCK_THREAD_CPUTIME_ID);
	err = iterator__pass_targets(
		wall->shared, wall->bpf->progs.wall_pass, 1, 4096, wall__on_records, wall);
	if (err)
		return err;
	wall->last_ns = now_ns;
	wall->period_cnt = period_cnt;
	cpu_ns = clock__ns(CLOCK_THREAD_CPUTIME_ID) - cpu_ns;
	wait_ns = period_ns - (now_ns - wall->start_ns) % period_ns;
	if (wait_ns < cpu_ns * BUDGET_DIVISOR)
		wait_ns = cpu_ns * BUDGET_DIVISOR;
	wall->due_ns = clock__ns(CLOCK_MONOTONIC) + wait_ns;
	return (int64_t)wait_ns;
}

static void wall__stop(struct collector *wall)
{
	cpu_clock__close(wall->clock);
	wall->clock = NULL;
	if (wall->start_ns)
		wall__tick(wall); /* the time since the last one */
	wall->start_ns = 0;
}

static void wall__close(struct collector *wall)
{
	if (!wall)
		return;
	wall->start_ns = 0;
	wall__stop(wall);
	if (wall->bpf)
		shared__remove(wall->shared, wall->bpf->obj);
	if (wall->clock_bpf)
		shared__remove(wall->shared, wall->clock_bpf->obj);
	wall_bpf__destroy(wall->bpf);
	wall_clock_bpf__destroy(wall->clock_bpf);
	free(wall);
}

static int wall__load(struct collector *wall, const char **ret_reason)
{
	int err;

	*ret_reason = "cannot open the wall clock's programs";
	wall->bpf = wall_bpf__open();
	wall->clock_bpf = wall_clock_bpf__open();
	if (!wall->bpf || !wall->clock_bpf)
		return -errno;
	bpf_program__set_autoload(wall->bpf->progs.wall_pass, true);
	bpf_program__set_autoload(wall->clock_bpf->progs.wall_clock, true);
	*ret_reason = "cannot load the wall clock's programs";
	err = shared__load(wall->shared, wall->bpf->skeleton);
	return err ? err : shared__load(wall->shared, wall->clock_bpf->skeleton);
}

static int wall__open(struct shared *shared, struct collector **ret, const char **ret_reason)
{
	struct collector *wall = calloc(1, sizeof(*wall));
	int err;

	*ret_reason = "out of memory";
	if (!wall)
		return -ENOMEM;
	wall->shared = shared;
	err = wall__load(wall, ret_reason);
	if (!err)
		*ret = wall;
	else
		wall__close(wall);
	return err;
}

static int64_t wall__period(const struct collector *wall)
{
	return (int64_t)shared__options(wall->shared)->period_ns;
}

static int wall__start(struct collector *wall, const char **ret_reason)
{
	int err = cpu_clock__open(wall->clock_bpf->progs.wall_clock,
		shared__options(wall->shared)->period_ns, &wall->clock, ret_reason);

	if (err)
		return err;
	wall->start_ns = wall->last_ns = wall->due_ns = clock__ns(CLOCK_MONOTONIC);
	wall->period_cnt = 0;
	return 0;
}

static int wall__drain(struct collector *wall, int parity, collector_sample_fn fn, void *arg)
{
	struct bpf_map *asleep = parity ? wall->bpf->maps.wall_samples_1
					: wall->bpf->maps.wall_samples_0,
		       *running = parity ? wall->clock_bpf->maps.wall_cpu_samples_1
					 : wall->clock_bpf->maps.wall_cpu_samples_0;
	int err = drain__samples(bpf_map__fd(asleep), fn, arg);

	if (!err)
		err = drain__samples(bpf_map__fd(running), fn, arg);
	if (!err)
		err = drain__lost(bpf_map__fd(wall->bpf->maps.wall_lost), parity, fn, arg);
	return err ? err
		   : drain__lost(bpf_map__fd(wall->clock_bpf->maps.wall_cpu_lost), parity, fn, arg);
}

const struct collector_ops collector_wall = {
	.name = "wall",
	.open = wall__open,
	.period = wall__period,
	.start = wall__start,
	.stop = wall__stop,
	.tick = wall__tick,
	.drain = wall__drain,
	.close = wall__close,
};
