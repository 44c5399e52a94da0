/* SPDX-License-Identifier: GPL-2.0 */
/* Perf maps kept open while their processes live: what a container has in a /tmp of its own is gone with it. */
#ifndef SYMBOL_PERF_MAP_KEEP_H
#define SYMBOL_PERF_MAP_KEEP_H

#include <stdint.h>

#define PERF_MAPS_KEPT_MAX 64 /* the one that was not seen for longest makes room */

struct perf_maps;

/* NULL: out of memory. */
struct perf_maps *perf_maps__new(const char *proc_dir);
void perf_maps__free(struct perf_maps *maps); /* accepts NULL */
/* Code of no file was seen in a process, whose map is opened if it is not yet; tried once a second. now_ns: CLOCK_BOOTTIME. */
void perf_maps__see(struct perf_maps *maps, uint32_t pid, uint64_t start_ns, uint64_t now_ns);
/* A descriptor at the map's begin. -ENOENT: none is kept. Accepts NULL. */
int perf_maps__open(const struct perf_maps *maps, uint32_t pid, uint64_t start_ns);

#endif
