/* SPDX-License-Identifier: GPL-2.0 */
/* What this process itself uses. */
#ifndef BPFPROF_OWN_H
#define BPFPROF_OWN_H

#include <stdint.h>

uint64_t own__cpu_ns(void);          /* without its children */
uint64_t own__children_cpu_ns(void); /* those that have ended */
uint64_t own__rss_bytes(void);       /* 0: /proc cannot be read */
uint64_t own__rss_max_bytes(void);   /* the most since the start */

#endif
