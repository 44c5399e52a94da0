/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel half's tables of sites and live objects, read and cleared in place. */
#ifndef COLLECT_HEAP_TABLES_H
#define COLLECT_HEAP_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collect/collector.h"
#include "heap_maps.h"

struct heap_sums {
	uint64_t values[HEAP_SUM_CNT];
};

struct heap_tables {
	struct heap_site *sites;
	uint32_t site_cnt;
	struct heap_bucket *buckets;
	uint32_t bucket_cnt;
	struct heap_process *processes;
	/* Sums as they were drained last. */
	struct heap_sums *sites_drained;
	struct heap_sums *lost_drained;
};

/* 0 or -ENOMEM; memory of the maps is borrowed. */
int heap_tables__init(struct heap_tables *tables);
void heap_tables__destroy(struct heap_tables *tables);

/* Hands what has been counted since the last time to fn, {alloc_objects, alloc_bytes, inuse_objects, inuse_bytes} modulo 2^64.
 * lost_key: of a process's allocations without a site; false: there is no such process. */
int heap_tables__drain(struct heap_tables *tables,
	bool (*lost_key)(uint32_t process, struct sample_key *ret, void *arg), void *key_arg,
	collector_sample_fn fn, void *arg);
/* Adds up what processes hold now: sums[HEAP_PROCESSES_MAX]. */
void heap_tables__sum(const struct heap_tables *tables, struct heap_sums *sums);
/* Forgets everything of processes whose probes are gone and whose figures are drained. gone: by index. */
void heap_tables__forget(struct heap_tables *tables, const bool gone[HEAP_PROCESSES_MAX]);

#endif
