/* SPDX-License-Identifier: GPL-2.0 */
/* The heap line and the summary of a command's heap. */
#ifndef OUTPUT_HEAP_LINE_H
#define OUTPUT_HEAP_LINE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* One process over one interval. */
struct heap_line {
	uint64_t number;       /* from 1 on */
	uint64_t age_ns;       /* of the process */
	int allocator_percent; /* of its CPU time; -1: not known */
	uint64_t interval_ns;
	uint64_t alloc_cnt, free_cnt, alloc_bytes; /* in the interval */
	int64_t start_bytes, peak_bytes, end_bytes, objects;
	uint64_t rss_bytes;
	uint64_t limit_bytes; /* 0: none */
	unsigned int cpu_cnt; /* it may use */
	uint64_t lost_cnt;
	bool names_process; /* there are several */
	uint32_t pid;
	const char *comm;
};

/* What a command and its children allocated. */
struct heap_summary {
	uint64_t alloc_cnt, alloc_bytes;
	int64_t peak_bytes, in_use_bytes, in_use_objects;
};

/* 0 or -EIO. */
int heap_line__print(const struct heap_line *line, FILE *out);
int heap_summary__print(const struct heap_summary *summary, FILE *out);

#endif
