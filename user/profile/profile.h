/* SPDX-License-Identifier: GPL-2.0 */
/* A profile: stacks and labels with their values, cumulative since its collector started. */
#ifndef PROFILE_PROFILE_H
#define PROFILE_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpfprof.h"

#define PROFILE_VALUES_MAX 4

/* A value's name and unit in pprof's words. */
struct value_type {
	const char *type;
	const char *unit;
};

/* What a profile counts; one constant per profile of DESIGN 1.3. Values of a difference may be
 * negative: they are kept as uint64_t modulo 2^64 and written as int64_t, as profile.proto has
 * them. */
struct profile_kind {
	const char *name; /* "cpu": the file's name without its ending */
	struct value_type values[PROFILE_VALUES_MAX];
	unsigned int value_cnt;
	unsigned int default_value; /* index into values: default_sample_type, and what reports sort
				       by */
	struct value_type period_type;
	/* NULL, or profile.proto's drop_frames: a function that this matches as a whole is left out of reports with all that
	 * it called. In the syntax that POSIX extended expressions and RE2 share. */
	const char *drop_frames;
};

extern const struct profile_kind profile_kind_cpu;
extern const struct profile_kind profile_kind_heap;
extern const struct profile_kind profile_kind_allocs;
extern const struct profile_kind profile_kind_block;
extern const struct profile_kind profile_kind_mutex;
extern const struct profile_kind profile_kind_sched;
extern const struct profile_kind profile_kind_threads;
extern const struct profile_kind profile_kind_threadcreate;
extern const struct profile_kind profile_kind_wall;
extern const struct profile_kind profile_kind_faults;

/* By name; NULL: there is none. */
const struct profile_kind *profile_kind__find(const char *name);

/* A stack as the daemon keeps it: kernel frames then user frames, leaf first. */
struct stack {
	uint64_t hash;
	uint16_t kernel_cnt;
	uint16_t user_cnt;
	uint8_t end; /* enum stack_end */
	uint8_t age; /* the table's own: when it was added or marked last */
	uint64_t frames[];
};

/* Walked to its root, or to where there is no more of it. */
static inline bool stack__is_complete(const struct stack *stack)
{
	return stack->end == STACK_END_ROOT || stack->end == STACK_END_KERNEL ||
	       stack->end == STACK_END_EXEC;
}

/* Stacks by hash, shared by all profiles. */
struct stack_table;

/* Caps on what profiles keep; what a cap drops is counted. 0 stands for the default. */
struct profile_limits {
	size_t stacks_max;
	size_t samples_max;
	size_t bytes_max; /* of frames */
};
#define PROFILE_STACKS_MAX      65536
#define PROFILE_SAMPLES_MAX     65536
#define PROFILE_STACK_BYTES_MAX (16u << 20)

/* limits: NULL for the defaults. NULL: out of memory. */
struct stack_table *stack_table__new(const struct profile_limits *limits);
void stack_table__free(struct stack_table *table);
/* Adds a copy. 0, -EEXIST when it is there already, -ENOSPC at a cap, -EINVAL for hash 0 or more
 * frames than KERNEL_FRAMES_MAX + STACK_FRAMES_MAX, -ENOMEM. */
int stack_table__add(struct stack_table *table, const struct stack *stack);
/* NULL: not there. What is found stays where it is until the next sweep, or the table is freed. */
const struct stack *stack_table__find(const struct stack_table *table, uint64_t hash);
size_t stack_table__cnt(const struct stack_table *table);
/* More than three quarters of a cap are in use. */
bool stack_table__is_filling(const struct stack_table *table);
/* A daemon that runs for months: after stack_table__age() the sweep frees every stack that has not
 * been marked or added (again) since. */
void stack_table__age(struct stack_table *table);
void stack_table__mark(struct stack_table *table, uint64_t hash);
void stack_table__sweep(struct stack_table *table);
/* New caps, of which 0 lets nothing in. What is there stays, also past them. */
void stack_table__set_limits(struct stack_table *table, const struct profile_limits *limits);
/* Stacks that a cap refused. */
uint64_t stack_table__dropped_cnt(const struct stack_table *table);

struct sample {
	struct sample_key key;
	uint64_t values[PROFILE_VALUES_MAX];
};

struct profile {
	const struct profile_kind *kind;
	const struct stack_table *stacks;
	int64_t time_ns; /* start of the capture, CLOCK_REALTIME */
	int64_t duration_ns;
	int64_t period;
	uint64_t dropped_cnt; /* samples (values[0]) that a cap moved to `[lost]` */
	/* private */
	struct profile_samples *samples;
};

/* stacks is borrowed and must outlive the profile. limits: NULL for the defaults. NULL: out of
 * memory. */
struct profile *profile__new(const struct profile_kind *kind, const struct stack_table *stacks,
	const struct profile_limits *limits);
void profile__free(struct profile *profile);
/* Takes all samples out. 0, or -ENOMEM: it is as it was. */
int profile__clear(struct profile *profile);
/*
 * Adds values[kind->value_cnt] to the sample with this key. At the cap on samples a new key's
 * values go to its process's `[lost]` sample (same pid, start, cgroup and comm; no stack, no
 * thread), and when there are too many of these too, to one whose key is all zero: totals stay
 * right, and dropped_cnt counts. 0 or -ENOMEM.
 */
int profile__add(struct profile *profile, const struct sample_key *key, const uint64_t *values);
size_t profile__sample_cnt(const struct profile *profile);
/* A new cap on samples. Those that are there stay, also past it. */
void profile__set_samples_max(struct profile *profile, size_t samples_max);
/* Calls fn for every sample, in no order; stops at the first non-zero return and returns that. The
 * samples stay where they are until the profile is added to or freed. */
int profile__each(
	const struct profile *profile, int (*fn)(const struct sample *, void *), void *arg);
/* NULL: out of memory. */
struct profile *profile__copy(const struct profile *profile);
/* now - before, sample by sample; samples whose values are all 0 are left out. Its capture begins
 * where before's ended and ends where now's ends. Both must be of one kind and one stack table.
 * NULL: out of memory. */
struct profile *profile__diff(const struct profile *now, const struct profile *before);
/* Adds from's samples; the capture becomes the span of both. 0, -EINVAL when kinds or stack tables
 * differ, -ENOMEM: into is as it was. */
int profile__merge(struct profile *into, const struct profile *from);

#endif
