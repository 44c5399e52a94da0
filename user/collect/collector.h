/* SPDX-License-Identifier: GPL-2.0 */
/* What a collector is: one file here, one in bpf/, one line in the table of collectors. */
#ifndef COLLECT_COLLECTOR_H
#define COLLECT_COLLECTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "bpfprof.h"

struct processes;
struct shared;
struct collector;

/* Takes one drained sample: values in the order of the profile's sample types. 0 or -errno. */
typedef int (*collector_sample_fn)(const struct sample_key *key, const uint64_t *values, void *arg);

/* What a read asks of the owner of the process table, the unwind tables and the stacks. */
struct collector_host {
	/* Takes the stacks that were sent so far, and builds tables that stacks wait for, for at most tables_ns. */
	void (*absorb)(void *arg, uint64_t tables_ns);
	bool (*has_stack)(void *arg, uint64_t hash);
	void *arg;
};

struct collector_ops {
	const char *name; /* of the profile, as -P names it */
	/* Opens and loads. -errno with *ret_reason, a static string that names what failed. */
	int (*open)(struct shared *shared, struct collector **ret, const char **ret_reason);
	/* Of the profile, in the unit of its kind's period_type; NULL: 1. */
	int64_t (*period)(const struct collector *collector);
	/* NULL, or: the process table may have changed. First called after start(). */
	void (*follow)(struct collector *collector, const struct processes *processes);
	/* Attaches: from here on programs run. */
	int (*start)(struct collector *collector, const char **ret_reason);
	/* Counts what began and has not ended yet up to now, before a read and before stop(); NULL: nothing to do. 0 or -errno. */
	int (*settle)(struct collector *collector, const struct collector_host *host);
	/* Detaches: no program of the collector runs afterwards, what it counted can still be drained. */
	void (*stop)(struct collector *collector);
	/* NULL, or: takes one sample in 2^thin, each standing for as many. Between start() and stop(). 0 or -errno. */
	int (*thin)(struct collector *collector, uint32_t thin);
	/* NULL, or what has to be done now; in how many nanoseconds again. -errno. */
	int64_t (*tick)(struct collector *collector);
	/* Of a gauge alone, NULL for others: hands over all that is so now, which takes the place of what was read before. */
	int (*read)(struct collector *collector, const struct collector_host *host,
		collector_sample_fn fn, void *arg);
	/* Of a gauge: its programs refer to stacks that they sent long ago; a read names those that are still wanted. */
	bool keeps_stacks;
	/* Empties the maps of one parity, which no program writes now; NULL for a gauge. 0, -errno, or what fn returned. */
	int (*drain)(struct collector *collector, int parity, collector_sample_fn fn, void *arg);
	void (*close)(struct collector *collector); /* accepts NULL */
};

extern const struct collector_ops collector_cpu;
extern const struct collector_ops collector_heap;
extern const struct collector_ops collector_block;
extern const struct collector_ops collector_mutex;
extern const struct collector_ops collector_sched;
extern const struct collector_ops collector_threads;
extern const struct collector_ops collector_threadcreate;
extern const struct collector_ops collector_wall;
extern const struct collector_ops collector_faults;

/* By name; NULL: there is none. */
const struct collector_ops *collector__find(const char *name);

#endif
