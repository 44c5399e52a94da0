/* SPDX-License-Identifier: GPL-2.0 */
/* The scheduler's figures, an interval at a time. */
#ifndef COLLECT_SCHED_H
#define COLLECT_SCHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collect/sched_delays.h"
#include "collect/wait_histogram.h"
#include "sched_stats.h"

struct shared;
struct sched;

struct sched_cpu_figures {
	uint32_t cpu;
	uint32_t waiting_cnt;
	bool is_idle;
	uint32_t running_tid; /* 0: nobody but the daemon */
	uint64_t switch_cnt;
};

/* Of the targets, or of the whole host. Moments are those of the read; the rest is of the
 * interval. */
struct sched_snapshot {
	uint64_t elapsed_ns;  /* since the first start */
	uint64_t interval_ns; /* since the last read, or the start after it */
	uint32_t cpu_cnt;     /* usable: online; and one of the targets may run there */
	uint32_t idle_cpu_cnt;
	uint32_t thread_cnt;
	uint32_t spinning_cnt;    /* threads that called sched_yield */
	uint32_t idle_thread_cnt; /* threads that did not run */
	uint32_t waiting_cnt;     /* threads that wait for a CPU */
	uint64_t switch_cnt; /* host: as /proc/stat has them; else how often a target left a CPU */
	uint64_t lost_cnt;   /* waits and threads not seen */
	struct wait_histogram waits;
	/* Until the next read: the usable CPUs in order, and with detail the threads by pid and
	 * tid. */
	const struct sched_cpu_figures *cpus;
	const struct sched_thread_record *records;
	size_t record_cnt;
	struct sched_delay_table delays; /* of the interval */
};

/* Opens and loads. -errno with *ret_reason, a static string that names what failed. */
int sched__open(struct shared *shared, struct sched **ret, const char **ret_reason);
void sched__close(struct sched *sched);
/* Attaches, after a stop again: waits that began before are not counted. 0 or -errno with
 * *ret_reason. */
int sched__start(struct sched *sched, const char **ret_reason);
/* Detaches: nothing of it costs anything until the next start. */
void sched__stop(struct sched *sched);
/* The figures of the interval, which ends with this. want_detail: also the records. 0; -EINVAL
 * when it is stopped; -errno. */
int sched__read(struct sched *sched, bool want_detail, struct sched_snapshot *ret);
/* The longest waits for a CPU up to the last read or stop, since the first start, which was at *ret_from_ns (CLOCK_MONOTONIC). */
const struct sched_delay_table *sched__delays(const struct sched *sched, uint64_t *ret_from_ns);

#endif
