/* SPDX-License-Identifier: GPL-2.0 */
/* A pass over all of /proc, at once or in slices: what the kernel's events have missed is made good by it. */
#ifndef PROCESS_SCAN_H
#define PROCESS_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "process/process.h"

struct process_scan {
	uint32_t *pids; /* NULL: no pass is under way */
	size_t cnt, next;
	uint64_t began_ns; /* CLOCK_BOOTTIME */
	bool is_wanted;    /* once more: something was missed meanwhile */
};

/* A pass is to be made. */
void process_scan__want(struct process_scan *scan);
/* Goes on until end_ns (CLOCK_BOOTTIME), by one process at least. Returns 1 when there is more to do, 0 when there is not, or
 * -errno. Processes that a whole pass does not meet have ended. */
int process_scan__step(struct process_scan *scan, struct processes *processes, uint64_t end_ns);
void process_scan__destroy(struct process_scan *scan);

/* A whole pass. 0 or -errno. */
int processes__scan_all(struct processes *processes);

#endif
