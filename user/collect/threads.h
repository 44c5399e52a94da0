/* SPDX-License-Identifier: GPL-2.0 */
/* The threads that the last read of the collector `threads` found. */
#ifndef COLLECT_THREADS_H
#define COLLECT_THREADS_H

#include <stddef.h>

#include "thread.h"

struct collector;

/* By pid and tid; until the next read. */
const struct thread_record *threads__records(const struct collector *threads, size_t *ret_cnt);

#endif
