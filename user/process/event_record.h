/* SPDX-License-Identifier: GPL-2.0 */
/* One record of the kernel's about a process, applied to the process table. */
#ifndef PROCESS_EVENT_RECORD_H
#define PROCESS_EVENT_RECORD_H

#include <stdint.h>

#include "process/process.h"

/* record: a struct perf_event_header and all of its header.size bytes, aligned for 8; a path in it is changed. One that is too
 * short for its type is left out. Returns how many records the kernel says were lost before it. */
uint64_t event_record__apply(void *record, struct processes *processes, uint64_t time_ns);

#endif
