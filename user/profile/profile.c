// SPDX-License-Identifier: GPL-2.0
/* A profile: samples are added, copied, subtracted and merged under a cap that loses no value. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "profile/profile.h"
#include "profile/samples.h"

/* Above the cap on samples there is room for this many `[lost]` samples more, one a process. */
#define LOST_PER_SAMPLES_MAX(samples_max) ((samples_max) / 16 + 1)

static struct profile *new_profile(const struct profile_kind *kind,
	const struct stack_table *stacks, struct profile_samples *samples)
{
	struct profile *profile = calloc(1, sizeof(*profile));

	if (!profile || !samples) {
		profile_samples__free(samples);
		free(profile);
		return NULL;
	}
	profile->kind = kind;
	profile->stacks = stacks;
	profile->samples = samples;
	return profile;
}

struct profile *profile__new(const struct profile_kind *kind, const struct stack_table *stacks,
	const struct profile_limits *limits)
{
	size_t samples_max = limits && limits->samples_max ? limits->samples_max
							   : PROFILE_SAMPLES_MAX;

	return new_profile(kind, stacks, profile_samples__new(samples_max));
}

void profile__free(struct profile *profile)
{
	if (!profile)
		return;
	profile_samples__free(profile->samples);
	free(profile);
}

int profile__clear(struct profile *profile)
{
	struct profile_samples *empty = profile_samples__new(profile->samples->samples_max);

	if (!empty)
		return -ENOMEM;
	profile_samples__free(profile->samples);
	profile->samples = empty;
	profile->dropped_cnt = 0;
	return 0;
}

/* The sample that takes what the cap does not let in under key. */
static struct sample *lost_sample(
	struct profile_samples *samples, const struct sample_key *key, size_t lost_max)
{
	struct sample_key lost = *key;
	struct sample *sample;

	lost.stack = 0;
	memset(lost.thread, 0, sizeof(lost.thread));
	sample = profile_samples__find(samples, &lost);
	if (!sample && samples->cnt >= samples->samples_max + lost_max) {
		memset(&lost, 0, sizeof(lost));
		sample = profile_samples__find(samples, &lost);
	}
	return sample ? sample : profile_samples__insert(samples, &lost);
}

int profile__add(struct profile *profile, const struct sample_key *key, const uint64_t *values)
{
	struct profile_samples *samples = profile->samples;
	struct sample *sample = profile_samples__find(samples, key);
	bool dropped = false;
	unsigned int i;

	if (!sample) {
		dropped = samples->cnt >= samples->samples_max;
		sample = dropped ? lost_sample(
					   samples, key, LOST_PER_SAMPLES_MAX(samples->samples_max))
				 : profile_samples__insert(samples, key);
	}
	if (!sample)
		return -ENOMEM;
	for (i = 0; i < profile->kind->value_cnt; i++)
		sample->values[i] += values[i];
	if (dropped)
		profile->dropped_cnt += values[0];
	return 0;
}

size_t profile__sample_cnt(const struct profile *profile)
{
	return profile->samples->cnt;
}

void profile__set_samples_max(struct profile *profile, size_t samples_max)
{
	profile->samples->samples_max = samples_max;
}

int profile__each(
	const struct profile *profile, int (*fn)(const struct sample *, void *), void *arg)
{
	size_t i;
	int err;

	for (i = 0; i < profile->samples->cnt; i++) {
		err = fn(&profile->samples->rows[i], arg);
		if (err)
			return err;
	}
	return 0;
}

struct profile *profile__copy(const struct profile *profile)
{
	struct profile *copy = new_profile(
		profile->kind, profile->stacks, profile_samples__copy(profile->samples));
	struct profile_samples *samples;

	if (!copy)
		return NULL;
	samples = copy->samples;
	*copy = *profile;
	copy->samples = samples;
	return copy;
}

static bool all_zero(const struct sample *sample, unsigned int value_cnt)
{
	unsigned int i;

	for (i = 0; i < value_cnt; i++) {
		if (sample->values[i])
			return false;
	}
	return true;
}

static int64_t end_ns(const struct profile *profile)
{
	return profile->time_ns + profile->duration_ns;
}

/* into += now - before, for the samples of now, then for those that only before has. 0 or -ENOMEM.
 */
static int add_difference(struct profile_samples *into, const struct profile_samples *now,
	const struct profile_samples *before, unsigned int value_cnt)
{
	static const struct sample none;
	const struct sample *other;
	struct sample difference;
	struct sample *sample;
	unsigned int v;
	size_t i;

	for (i = 0; i < now->cnt + before->cnt; i++) {
		if (i < now->cnt) {
			difference = now->rows[i];
			other = profile_samples__find(before, &difference.key);
			other = other ? other : &none;
		} else {
			other = &before->rows[i - now->cnt];
			difference = (struct sample){.key = other->key};
			if (profile_samples__find(now, &other->key))
				continue;
		}
		for (v = 0; v < value_cnt; v++)
			difference.values[v] -= other->values[v];
		if (all_zero(&difference, value_cnt))
			continue;
		sample = profile_samples__insert(into, &difference.key);
		if (!sample)
			return -ENOMEM;
		*sample = difference;
	}
	return 0;
}

struct profile *profile__diff(const struct profile *now, const struct profile *before)
{
	struct profile *diff = new_profile(
		now->kind, now->stacks, profile_samples__new(now->samples->samples_max));

	if (!diff)
		return NULL;
	if (add_difference(diff->samples, now->samples, before->samples, now->kind->value_cnt)) {
		profile__free(diff);
		return NULL;
	}
	diff->period = now->period;
	diff->time_ns = end_ns(before);
	diff->duration_ns = end_ns(now) > end_ns(before) ? end_ns(now) - end_ns(before) : 0;
	diff->dropped_cnt = now->dropped_cnt - before->dropped_cnt;
	return diff;
}

int profile__merge(struct profile *into, const struct profile *from)
{
	int64_t end = end_ns(into) > end_ns(from) ? end_ns(into) : end_ns(from);
	size_t i;

	if (into->kind != from->kind || into->stacks != from->stacks)
		return -EINVAL;
	/* All that may fail, before the first value moves; + 1 for the sample that takes what no
	 * process has. */
	if (profile_samples__reserve(into->samples, from->samples->cnt + 1) < 0)
		return -ENOMEM;
	for (i = 0; i < from->samples->cnt; i++)
		profile__add(into, &from->samples->rows[i].key, from->samples->rows[i].values);
	if (from->time_ns && (!into->time_ns || from->time_ns < into->time_ns))
		into->time_ns = from->time_ns;
	into->duration_ns = end - into->time_ns;
	into->dropped_cnt += from->dropped_cnt;
	return 0;
}
