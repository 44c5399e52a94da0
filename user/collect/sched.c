// SPDX-License-Identifier: GPL-2.0
/* The scheduler's figures: differences of what its programs count, and what is so at the moment
 * of the read. */
#include "collect/sched.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "collect/cpu_mask.h"
#include "collect/sched_records.h"
#include "collect/sched_snapshot.h"
#include "collect/shared.h"
#include "process/clock.h"
#include "sched.skel.h"

#define LINK_CNT 4
#define TARGETS_READ_MAX                                                                           \
	256 /* processes whose CPUs are asked for; the rest are taken to have the same */

struct sched {
	struct shared *shared;
	struct sched_bpf *bpf;
	struct bpf_link *threads_link;
	struct bpf_link *links[LINK_CNT];
	bool is_started;

	uint32_t cpu_cnt;
	struct sched_cpu *cpus; /* the programs' own memory */
	size_t cpus_bytes;
	struct sched_cpu *before;        /* cpus as the last read found them */
	struct sched_delays *cpu_delays; /* the programs' own memory */
	size_t cpu_delays_bytes;
	struct sched_delay_table delays; /* of all intervals */
	uint64_t lost_before;
	uint64_t first_start_ns;
	uint64_t last_read_ns;

	struct sched_cpu_figures *figures;
	struct sched_records records;
};

static int sched__load(struct sched *sched, const char **ret_reason)
{
	struct bpf_program *program;
	int err;

	*ret_reason = "cannot open the scheduler programs";
	sched->bpf = sched_bpf__open();
	if (!sched->bpf)
		return -errno;
	bpf_object__for_each_program(program, sched->bpf->obj)
		bpf_program__set_autoload(program, true);
	err = bpf_map__set_max_entries(sched->bpf->maps.sched_cpus, sched->cpu_cnt);
	if (!err)
		err = bpf_map__set_max_entries(
			sched->bpf->maps.sched_cpu_delays, 2 * sched->cpu_cnt);
	if (err)
		return err;
	*ret_reason = "cannot load the scheduler programs";
	return shared__load(sched->shared, sched->bpf->skeleton);
}

/* An array's values, which take whole pages. */
static void *map__values(const struct bpf_map *map, size_t bytes, size_t *ret_bytes)
{
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);

	*ret_bytes = (bytes + page_bytes - 1) & ~(page_bytes - 1);
	return mmap(NULL, *ret_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
}

static int sched__allocate(struct sched *sched)
{
	void *memory;

	sched->before = calloc(sched->cpu_cnt, sizeof(*sched->before));
	sched->figures = calloc(sched->cpu_cnt, sizeof(*sched->figures));
	if (!sched->before || !sched->figures)
		return -ENOMEM;
	memory = map__values(sched->bpf->maps.sched_cpus, sched->cpu_cnt * sizeof(*sched->cpus),
		&sched->cpus_bytes);
	if (memory == MAP_FAILED)
		return -errno;
	sched->cpus = memory;
	memory = map__values(sched->bpf->maps.sched_cpu_delays,
		2 * sched->cpu_cnt * sizeof(*sched->cpu_delays), &sched->cpu_delays_bytes);
	if (memory == MAP_FAILED)
		return -errno;
	sched->cpu_delays = memory;
	return 0;
}

int sched__open(struct shared *shared, struct sched **ret, const char **ret_reason)
{
	struct sched *sched = calloc(1, sizeof(*sched));
	int err;

	*ret_reason = "out of memory";
	if (!sched)
		return -ENOMEM;
	sched->shared = shared;
	sched->cpu_cnt = shared__options(shared)->cpu_cnt;
	err = sched__load(sched, ret_reason);
	if (!err) {
		*ret_reason = "cannot map the scheduler figures";
		err = sched__allocate(sched);
	}
	if (err) {
		sched__close(sched);
		return err;
	}
	*ret = sched;
	return 0;
}

void sched__close(struct sched *sched)
{
	if (!sched)
		return;
	sched__stop(sched);
	if (sched->cpus)
		munmap(sched->cpus, sched->cpus_bytes);
	if (sched->cpu_delays)
		munmap(sched->cpu_delays, sched->cpu_delays_bytes);
	if (sched->bpf)
		shared__remove(sched->shared, sched->bpf->obj);
	sched_bpf__destroy(sched->bpf);
	free(sched->before);
	free(sched->figures);
	sched_records__free(&sched->records);
	free(sched);
}

static struct sched_control *sched__control(struct sched *sched)
{
	return &sched->bpf->bss->sched_control;
}

/* What is so at this moment, into sched_control and the last part of each sched_cpu. */
static int sched__look(struct sched *sched, bool want_detail, bool want_reset)
{
	LIBBPF_OPTS(bpf_test_run_opts, run);
	struct sched_control *control = sched__control(sched);
	const size_t moment = offsetof(struct sched_cpu, queued);
	uint32_t cpu;

	for (cpu = 0; cpu < sched->cpu_cnt; cpu++)
		memset((char *)&sched->cpus[cpu] + moment, 0, sizeof(*sched->cpus) - moment);
	control->want_detail = want_detail;
	control->want_reset = want_reset;
	control->queues_known = 0;
	control->threads = control->idle_threads = control->yielding = 0;
	if (bpf_prog_test_run_opts(bpf_program__fd(sched->bpf->progs.sched_queues), &run))
		return -errno;
	return sched_records__read(&sched->records, bpf_link__fd(sched->threads_link), want_detail);
}

static uint64_t sched__lost(const struct sched *sched)
{
	struct counter_values values;

	if (shared__read_counters(sched->shared, &values))
		return 0;
	return values.cnt[COUNTER_sched_thread_unknown] + values.cnt[COUNTER_sched_thread_failed];
}

static int sched__attach(struct sched *sched)
{
	/* Switches before wakeups: a wait that is seen to begin must be seen to end. */
	struct bpf_program *switches[] = {sched->bpf->progs.sched_switch,
		sched->bpf->progs.sched_wakeup, sched->bpf->progs.sched_wakeup_new};
	size_t i;
	int err;

	sched->threads_link = bpf_program__attach_iter(sched->bpf->progs.sched_threads, NULL);
	if (!sched->threads_link)
		return -errno;
	/* First new threads, then those that there are: so each has its state before its first
	 * switch is seen. */
	sched->links[0] = bpf_program__attach(sched->bpf->progs.sched_newtask);
	if (!sched->links[0])
		return -errno;
	err = sched__look(sched, false, true);
	for (i = 0; !err && i < sizeof(switches) / sizeof(switches[0]); i++) {
		sched->links[i + 1] = bpf_program__attach(switches[i]);
		if (!sched->links[i + 1])
			err = -errno;
	}
	return err;
}

int sched__start(struct sched *sched, const char **ret_reason)
{
	uint32_t cpu;
	int err;

	if (sched->is_started)
		return 0;
	sched__control(sched)->interval++;
	err = sched__attach(sched);
	if (err) {
		*ret_reason = "cannot attach to the scheduler's tracepoints";
		sched__stop(sched);
		return err;
	}
	sched->is_started = true;
	for (cpu = 0; cpu < sched->cpu_cnt; cpu++)
		sched->cpus[cpu].wait_max_ns = 0;
	memcpy(sched->before, sched->cpus, sched->cpu_cnt * sizeof(*sched->cpus));
	sched->lost_before = sched__lost(sched);
	sched->last_read_ns = clock__ns(CLOCK_MONOTONIC);
	if (!sched->first_start_ns)
		sched->first_start_ns = sched->last_read_ns;
	return 0;
}

/* What was noted in an interval that has ended, if no interval has begun since but the next. */
static void sched__take_delays(struct sched *sched, uint32_t interval, struct sched_delay_table *to)
{
	uint32_t cpu;

	for (cpu = 0; cpu < sched->cpu_cnt; cpu++)
		sched_delay_table__add_cpu(
			to, &sched->cpu_delays[2 * cpu + (interval & 1)], interval);
}

void sched__stop(struct sched *sched)
{
	size_t i;

	for (i = LINK_CNT; i-- > 0;) {
		bpf_link__destroy(sched->links[i]);
		sched->links[i] = NULL;
	}
	bpf_link__destroy(sched->threads_link);
	sched->threads_link = NULL;
	if (sched->is_started)
		sched__take_delays(sched, sched__control(sched)->interval, &sched->delays);
	sched->is_started = false;
}

const struct sched_delay_table *sched__delays(const struct sched *sched, uint64_t *ret_from_ns)
{
	*ret_from_ns = sched->first_start_ns;
	return &sched->delays;
}

/* Online CPUs; with targets those of them where one may run, or does. */
static int sched__usable_cpus(struct sched *sched, struct cpu_mask *ret)
{
	struct cpu_mask online, usable = {0}, allowed;
	uint32_t *key = NULL, pid, next, read_cnt, cpu;
	int fd = shared__map_fd(sched->shared, "targets"), err = cpu_mask__read_online(&online);

	if (err || shared__options(sched->shared)->all_processes) {
		if (!err)
			*ret = online;
		return err;
	}
	for (read_cnt = 0; read_cnt < TARGETS_READ_MAX && !bpf_map_get_next_key(fd, key, &next);
		read_cnt++) {
		pid = next;
		key = &pid;
		if (!cpu_mask__read_allowed((pid_t)pid, &allowed))
			cpu_mask__add_common(&usable, &allowed, &online);
		if (cpu_mask__is_equal(&usable, &online))
			break;
	}
	for (cpu = 0; cpu < sched->cpu_cnt; cpu++)
		if (sched->cpus[cpu].waiting || sched->cpus[cpu].running_target)
			cpu_mask__add(&usable, cpu);
	*ret = usable;
	return 0;
}

static bool sched__knows_queue(struct sched *sched, uint32_t index)
{
	return sched__control(sched)->queues_known && sched->cpus[index].run_queue;
}

/*
 * Threads that would wait on this CPU if the daemon did not run there. For the whole host that is
 * all but one. Of the targets' threads one less wait if the daemon stands in the place of one: when
 * only they wait behind it, or when it was one of them that it displaced.
 */
static uint32_t sched__waiting(struct sched *sched, uint32_t index)
{
	const struct sched_control *control = sched__control(sched);
	const struct sched_cpu *cpu = &sched->cpus[index];
	bool is_displaced = index == control->reader_cpu;

	if (shared__options(sched->shared)->all_processes && sched__knows_queue(sched, index))
		return cpu->queued ? cpu->queued - 1 : 0;
	if (is_displaced && cpu->waiting_others)
		is_displaced = cpu->displaced_target;
	return is_displaced && cpu->waiting ? cpu->waiting - 1 : cpu->waiting;
}

static bool sched__is_idle(struct sched *sched, uint32_t index)
{
	const struct sched_cpu *cpu = &sched->cpus[index];

	if (sched__knows_queue(sched, index))
		return !cpu->queued;
	return !cpu->running && !cpu->waiting && !cpu->waiting_others;
}

static void sched__collect(
	struct sched *sched, const struct cpu_mask *usable, struct sched_snapshot *snapshot)
{
	uint32_t cpu;

	for (cpu = 0; cpu < sched->cpu_cnt; cpu++) {
		uint64_t switch_cnt = snapshot->switch_cnt;
		struct sched_cpu_figures *figures = &sched->figures[snapshot->cpu_cnt];

		snapshot__add_cpu(snapshot, &sched->cpus[cpu], &sched->before[cpu]);
		if (!cpu_mask__has(usable, cpu))
			continue;
		figures->cpu = cpu;
		figures->waiting_cnt = sched__waiting(sched, cpu);
		figures->is_idle = sched__is_idle(sched, cpu);
		figures->running_tid = sched->cpus[cpu].running_tid;
		figures->switch_cnt = snapshot->switch_cnt - switch_cnt;
		snapshot->cpu_cnt++;
		snapshot->idle_cpu_cnt += figures->is_idle;
		snapshot->waiting_cnt += figures->waiting_cnt;
	}
	snapshot->cpus = sched->figures;
}

int sched__read(struct sched *sched, bool want_detail, struct sched_snapshot *ret)
{
	struct sched_control *control = sched__control(sched);
	struct sched_snapshot snapshot = {0};
	uint64_t now_ns = clock__ns(CLOCK_MONOTONIC), lost_cnt;
	struct cpu_mask usable;
	uint32_t interval;
	size_t i;
	int err;

	if (!sched->is_started)
		return -EINVAL;
	err = sched__look(sched, want_detail, false);
	if (err)
		return err;
	interval = __atomic_fetch_add(&control->interval, 1, __ATOMIC_SEQ_CST);
	err = sched__usable_cpus(sched, &usable);
	if (err)
		return err;
	sched__collect(sched, &usable, &snapshot);
	sched__take_delays(sched, interval, &snapshot.delays);
	for (i = 0; i < snapshot.delays.cnt; i++)
		sched_delay_table__add(&sched->delays, &snapshot.delays.rows[i]);
	snapshot.elapsed_ns = now_ns - sched->first_start_ns;
	snapshot.interval_ns = now_ns - sched->last_read_ns;
	sched->last_read_ns = now_ns;
	snapshot.thread_cnt = control->threads;
	snapshot.idle_thread_cnt = control->idle_threads;
	if (shared__options(sched->shared)->all_processes)
		snapshot__add_hidden(&snapshot);
	snapshot.spinning_cnt += control->yielding;
	lost_cnt = sched__lost(sched);
	snapshot.lost_cnt = lost_cnt - sched->lost_before;
	sched->lost_before = lost_cnt;
	snapshot.records = sched->records.records;
	snapshot.record_cnt = sched->records.cnt;
	*ret = snapshot;
	return 0;
}
