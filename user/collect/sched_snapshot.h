/* SPDX-License-Identifier: GPL-2.0 */
/* The parts of a snapshot that need nothing but a CPU's figures, or the kernel's own. */
#ifndef COLLECT_SCHED_SNAPSHOT_H
#define COLLECT_SCHED_SNAPSHOT_H

#include "collect/sched.h"

/* Adds what a CPU counted since the last read, which *before keeps. */
void snapshot__add_cpu(
	struct sched_snapshot *snapshot, struct sched_cpu *cpu, struct sched_cpu *before);
/* Threads that the kernel counts but does not list (another pid namespace's): nobody saw them run. */
void snapshot__add_hidden(struct sched_snapshot *snapshot);

#endif
