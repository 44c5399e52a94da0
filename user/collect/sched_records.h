/* SPDX-License-Identifier: GPL-2.0 */
/* One pass of sched_threads over all threads, and the records that it writes. */
#ifndef COLLECT_SCHED_RECORDS_H
#define COLLECT_SCHED_RECORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "sched_stats.h"

#define SCHED_RECORDS_MAX 65536 /* threads that one pass lists */

struct sched_records {
	struct sched_thread_record *records; /* by pid and tid */
	size_t cnt;
	size_t capacity;
};

/* Runs the pass of the iterator's link to its end. want_records: keeps what it writes, up to
 * SCHED_RECORDS_MAX. 0 or -errno, with no records. */
int sched_records__read(struct sched_records *records, int link_fd, bool want_records);
void sched_records__free(struct sched_records *records);

#endif
