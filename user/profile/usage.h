/* SPDX-License-Identifier: GPL-2.0 */
/* CPU samples of each process over the last minutes: what a reader wants before it asks for a profile. */
#ifndef PROFILE_USAGE_H
#define PROFILE_USAGE_H

#include <stddef.h>
#include <stdint.h>

#include "bpfprof.h"

#define USAGE_SECONDS_MAX 60

struct usage;

struct usage_row {
	uint32_t pid;
	uint64_t start_ns;
	uint64_t cgroup;
	char comm[TASK_COMM_BYTES]; /* of its last sample; not always terminated */
	uint64_t sample_cnt;        /* in the time asked for */
	uint64_t cpu_ns;
	uint64_t total_ns; /* since it was first seen */
};

/* At most process_max processes: the one that was quiet for longest makes room, and is counted. NULL: out of memory. */
struct usage *usage__new(size_t process_max);
void usage__free(struct usage *usage);
/* values: as the cpu profile has them. */
void usage__add(struct usage *usage, const struct sample_key *key, const uint64_t *values);
/* To be called before samples of now_ns (CLOCK_MONOTONIC) are added: the minute moves on. */
void usage__advance(struct usage *usage, uint64_t now_ns);
/* The processes with the most samples in the last seconds (1 .. USAGE_SECONDS_MAX), the busiest first, at most row_max. */
size_t usage__top(
	const struct usage *usage, unsigned int seconds, struct usage_row *rows, size_t row_max);
/* Of all processes since the start. */
uint64_t usage__sample_cnt(const struct usage *usage);
uint64_t usage__cpu_ns(const struct usage *usage);
/* Processes that had to make room. */
uint64_t usage__evicted_cnt(const struct usage *usage);

#endif
