/* SPDX-License-Identifier: GPL-2.0 */
/* A reader of one profile from now on: a profile of its own that every drain adds to, so that many readers of different
 * times cost what is counted in their time, not a copy of everything each. */
#ifndef BPFPROF_TAP_H
#define BPFPROF_TAP_H

#include <stdbool.h>
#include <stdint.h>

#include "profile/profile.h"

struct tap {
	struct profile *profile;
	uint32_t pid; /* 0: of all processes */
	uint64_t
		born_max_ns; /* CLOCK_BOOTTIME: processes that started later are others with the same pid */
	bool is_running;   /* false until a drain has taken what was counted before */
	uint64_t start_ns; /* CLOCK_MONOTONIC of that drain */
	bool is_done;      /* its time is over; what it has counted waits to be written */
	struct tap *next;
};

/* The tap is not yet on any list. NULL: out of memory. */
struct tap *tap__new(const struct profile_kind *kind, const struct stack_table *stacks,
	uint32_t pid, uint64_t born_max_ns);
void tap__free(struct tap *tap);
/* Whether a sample is one that this tap counts. */
bool tap__wants(const struct tap *tap, const struct sample_key *key);

#endif
