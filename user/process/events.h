/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's news of processes: MMAP2, COMM, FORK and EXIT records of a dummy perf event on every CPU. */
#ifndef PROCESS_EVENTS_H
#define PROCESS_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "process/process.h"

struct process_events;

/* Opens and enables the events on every online CPU. -errno with *ret_reason, a static string. */
int process_events__open(struct process_events **ret, const char **ret_reason);
void process_events__close(struct process_events *events);
/* Calls fn for every descriptor that becomes readable when a record arrives. */
int process_events__each_fd(
	const struct process_events *events, int (*fn)(int fd, void *arg), void *arg);
/* Applies, in the order of their times over all CPUs, the records written before now: for some milliseconds, then *ret_more
 * tells that there are more and that it is to be called again. Where the kernel says that records were lost, /proc is read
 * again, in slices too. 0 or -errno. */
int process_events__drain(
	struct process_events *events, struct processes *processes, bool *ret_more);
/* Records that the kernel had no room for. */
uint64_t process_events__lost_cnt(const struct process_events *events);

#endif
