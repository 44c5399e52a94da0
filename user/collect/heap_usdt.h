/* SPDX-License-Identifier: GPL-2.0 */
/* The probes by which a file tells of the allocations that it samples by itself: otel_memory:alloc and otel_memory:free. */
#ifndef COLLECT_HEAP_USDT_H
#define COLLECT_HEAP_USDT_H

#include <stdbool.h>
#include <stdint.h>

#include "collect/usdt.h"
#include "heap_maps.h"

#define HEAP_USDT_PROBES_MAX                                                                       \
	128 /* of one file: a probe in an inlined function is there many times */

struct heap_usdt_probe {
	bool frees;
	struct usdt_probe probe;
	uint32_t arguments_index; /* of the kernel's table */
};

struct heap_usdt {
	struct heap_usdt_probe probes[HEAP_USDT_PROBES_MAX];
	uint32_t cnt, alloc_cnt;
	uint32_t refused_cnt; /* not understood, or too many */
};

/* The ways in which arguments are passed that the kernel's table (heap_usdts) has. */
struct heap_usdt_table {
	int map_fd;
	struct usdt_arguments entries[HEAP_USDT_MAX];
	uint32_t cnt;
};

/* Reads the file behind fd. 0; -ENOENT: it has no such probe that allocates, or none that is understood; -ENOEXEC. */
int heap_usdt__read(int fd, struct heap_usdt *ret);
/* Puts the probes' arguments into the kernel's table. 0, -ENOSPC or -errno. */
int heap_usdt__publish(struct heap_usdt *usdt, struct heap_usdt_table *table);

#endif
