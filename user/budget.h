/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bpfprof's own budget.
 *
 * Two figures are looked at every two seconds.
 *
 *   CPU     its own CPU time without children, and the time that CPU samples take in the kernel, as a share of one CPU;
 *           cap: --max-overhead. Above it, one CPU sample in 2, 4, 8 is taken. The clock's period grows and each
 *           sample is counted as often as the periods that were asked for fit into it: counts and times of the
 *           profile stay what they were, only coarser. Where samples are less than a tenth of the cost, thinning them would
 *           spoil the profile for nothing, and one line says so instead. What answers over HTTP cost is their children's
 *           and not in the figure: it is bounded by how many may be under way. What the heap's probes cost has a
 *           guard of its own (collect/heap_guard.h) under the same cap.
 *   memory  RSS and the kernel memory of all maps; cap: --max-memory. Above it names and unwind tables are thrown away,
 *           those that stacks need are built again in half of the room, and stacks and sample keys that are not there yet
 *           are counted as [lost].
 *
 * Each step is one line with the figure and the option, and a counter: shed_cpu_seconds, shed_memory_seconds, in --stats, in
 * /metrics and in the profiles' comments. When load falls it is taken back (budget_gauge.h).
 */
#ifndef BPFPROF_BUDGET_H
#define BPFPROF_BUDGET_H

#include "capture.h"
#include "options.h"
#include "symbol/cache.h"

struct budget;

/* names: NULL, or the cache of names. Both outlive the budget. NULL: out of memory. */
struct budget *budget__new(
	const struct options *options, struct capture *capture, struct symbol_cache *names);
void budget__free(struct budget *budget); /* accepts NULL */
/* Once a second. drain_ns: own CPU time of all drains so far. Logs. */
void budget__look(struct budget *budget, uint64_t drain_ns);

#endif
