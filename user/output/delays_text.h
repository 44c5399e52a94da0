/* SPDX-License-Identifier: GPL-2.0 */
/* The longest waits for a CPU as text. */
#ifndef OUTPUT_DELAYS_TEXT_H
#define OUTPUT_DELAYS_TEXT_H

#include <stdint.h>
#include <stdio.h>

#include "collect/sched.h"

/* A table with a heading, the longest wait first; nothing when there were none. from_ns: where the times of the SCHED lines
 * begin, CLOCK_MONOTONIC. 0 or -errno. */
int delays_text__print(const struct sched_delay_table *table, uint64_t from_ns, FILE *out);
/* A line each, below a SCHED line. */
int delays_text__print_detail(const struct sched_delay_table *table, FILE *out);

#endif
