/* SPDX-License-Identifier: GPL-2.0 */
/* The exact totals of time off CPU, beside the sampled profiles. */
#ifndef COLLECT_OFFCPU_H
#define COLLECT_OFFCPU_H

#include "offcpu_stats.h"

/* Calls fn for each process, in no order, until it returns other than 0, which is returned. Up to the last settle or stop
 * of a collector; nothing when none of block, mutex and sched is open. */
int offcpu__each_process(
	int (*fn)(const struct offcpu_process *, const struct offcpu_totals *, void *), void *arg);

/* What this kernel does not have, and what comes of it, as one line says it; NULL: nothing, or no collector is open. */
const char *offcpu__missing(void);

#endif
