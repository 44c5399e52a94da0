/* SPDX-License-Identifier: GPL-2.0 */
/* What capture.c and capture_profiles.c share. */
#ifndef BPFPROF_CAPTURE_PRIVATE_H
#define BPFPROF_CAPTURE_PRIVATE_H

#include "capture.h"

#include <time.h>

#include "collect/collector.h"

#define NS_PER_S 1000000000ull

/* What the daemon keeps at the most; what does not fit is counted. */
extern const struct profile_limits capture_limits;

/* One collector and what it has measured. */
struct capture_profile {
	const struct collector_ops *ops;
	struct collector *collector;
	struct profile *profile; /* stays empty unless keep */
	bool keep;
	struct tap *taps;
	uint64_t start_ns; /* CLOCK_MONOTONIC; 0: not started */
};

/* Time in a state, in all. */
struct capture_span {
	uint64_t since_ns; /* CLOCK_MONOTONIC; 0: not in it now */
	uint64_t ns;       /* before that */
};

struct capture {
	struct shared *shared;
	struct files *files;
	struct processes *processes;
	struct process_events *events;
	struct publisher *publisher;
	struct targets *targets;
	struct unwind_store *unwind;
	uint32_t files_seen; /* files whose tables have been asked for ahead of time */
	struct stack_ring *ring;
	struct stack_table *stacks;
	struct capture_profile profiles[CAPTURE_PROFILES_MAX];
	size_t profile_cnt;
	uint64_t start_ns, stop_ns; /* CLOCK_MONOTONIC; 0: not yet */
	int pending_parity;         /* an epoch that ended but was not quiet yet; -1: none */
	uint64_t turn_ns;           /* CLOCK_BOOTTIME of the last turn */
	uint64_t stacks_refused_cnt;
	uint64_t samples_refused_cnt; /* of profiles and taps that are gone */
	uint32_t thin;                /* of the CPU clock */
	struct capture_span thinned, saving;
	uint64_t map_bytes,
		map_bytes_ns;  /* without unwind chunks; CLOCK_MONOTONIC, 0: not asked yet */
	struct stack *scratch; /* STACK_FRAMES_MAX frames */
	struct usage *usage;   /* NULL: not asked for */
	struct perf_maps *perf_maps;
	bool keep_stacks; /* some profile is kept, or some tap is open */
	int sweep_turns; /* drains until the stacks that were not sent again go; 0: none under way */
	uint64_t sweep_ns;   /* CLOCK_MONOTONIC of the last sweep */
	uint64_t release_ns; /* CLOCK_MONOTONIC of the last look for files that nobody maps */
	bool keep_profile;
	bool is_stopped;
};

/* Loads one collector, which does not run yet. -errno with *ret_reason. */
int capture__load_profile(struct capture *capture, const char *name, const char **ret_reason);
int capture_profile__start(struct capture_profile *entry, const char **ret_reason);
void capture_profile__close(struct capture_profile *entry);
/* Tells the collectors that look at it that the process table may have changed. */
void capture__follow(struct capture *capture);
/* Empties what all collectors counted under this parity. The first failure. */
int capture__drain_profiles(struct capture *capture, int parity);
/* Samples that a cap moved to [lost], of all profiles and taps. */
uint64_t capture__refused_samples(const struct capture *capture);
/* Puts what a gauge shows now in the place of what its profile holds. */
int capture__read_gauge(struct capture *capture, struct capture_profile *entry);
/* Lets go of files that no process maps and no stack that is kept can refer to, and of free memory; once a drain. */
void capture__release_files(struct capture *capture);
/* Drops stacks that nothing refers to any more, when their table fills; once a drain. */
void capture__sweep_stacks(struct capture *capture);

#endif
