// SPDX-License-Identifier: GPL-2.0
/* The samples of one profile by key: a dense array and an open-addressing index into it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "profile/samples.h"

#define ROWS_MIN 64

struct profile_samples *profile_samples__new(size_t samples_max)
{
	struct profile_samples *samples = calloc(1, sizeof(*samples));

	if (!samples)
		return NULL;
	samples->samples_max = samples_max;
	/* Without a seed the table still works: flooding it is what the cap on samples bounds. */
	if (getrandom(&samples->seed, sizeof(samples->seed), GRND_NONBLOCK) < 0)
		samples->seed = (uintptr_t)samples;
	return samples;
}

void profile_samples__free(struct profile_samples *samples)
{
	if (!samples)
		return;
	free(samples->rows);
	free(samples->slots);
	free(samples);
}

static size_t key_slot(const struct profile_samples *samples, const struct sample_key *key)
{
	uint64_t words[sizeof(*key) / sizeof(uint64_t)];
	uint64_t hash = samples->seed;
	size_t i;

	memcpy(words, key, sizeof(words));
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		hash = (hash ^ words[i]) * 0x9e3779b97f4a7c15ull; /* 2^64 / golden ratio */
		hash ^= hash >> 32;
	}
	return hash & (samples->slot_cnt - 1);
}

/* The slot that holds the key, or the free one where it belongs. slot_cnt > 0. */
static size_t find_slot(const struct profile_samples *samples, const struct sample_key *key)
{
	size_t slot = key_slot(samples, key);

	while (samples->slots[slot] &&
		memcmp(&samples->rows[samples->slots[slot] - 1].key, key, sizeof(*key)) != 0)
		slot = (slot + 1) & (samples->slot_cnt - 1);
	return slot;
}

static int grow_slots(struct profile_samples *samples, size_t slot_cnt)
{
	uint32_t *slots = calloc(slot_cnt, sizeof(*slots));
	size_t i;

	if (!slots)
		return -ENOMEM;
	free(samples->slots);
	samples->slots = slots;
	samples->slot_cnt = slot_cnt;
	for (i = 0; i < samples->cnt; i++)
		slots[find_slot(samples, &samples->rows[i].key)] = i + 1;
	return 0;
}

int profile_samples__reserve(struct profile_samples *samples, size_t add_cnt)
{
	size_t rows_max = samples->rows_max ? samples->rows_max : ROWS_MIN;
	size_t slot_cnt = samples->slot_cnt ? samples->slot_cnt : 2 * ROWS_MIN;
	size_t cnt = samples->cnt + add_cnt;
	struct sample *rows;

	if (cnt >= UINT32_MAX)
		return -ENOMEM;
	while (rows_max < cnt)
		rows_max += rows_max / 2;
	while (slot_cnt < 2 * cnt)
		slot_cnt *= 2;
	if (rows_max != samples->rows_max) {
		rows = reallocarray(samples->rows, rows_max, sizeof(*rows));
		if (!rows)
			return -ENOMEM;
		samples->rows = rows;
		samples->rows_max = rows_max;
	}
	return slot_cnt == samples->slot_cnt ? 0 : grow_slots(samples, slot_cnt);
}

struct profile_samples *profile_samples__copy(const struct profile_samples *samples)
{
	struct profile_samples *copy = calloc(1, sizeof(*copy));

	if (!copy)
		return NULL;
	copy->seed = samples->seed;
	copy->samples_max = samples->samples_max;
	if (!samples->cnt)
		return copy;
	copy->rows = malloc(samples->cnt * sizeof(*copy->rows));
	copy->slots = malloc(samples->slot_cnt * sizeof(*copy->slots));
	if (!copy->rows || !copy->slots) {
		profile_samples__free(copy);
		return NULL;
	}
	memcpy(copy->rows, samples->rows, samples->cnt * sizeof(*copy->rows));
	memcpy(copy->slots, samples->slots, samples->slot_cnt * sizeof(*copy->slots));
	copy->cnt = samples->cnt;
	copy->rows_max = samples->cnt;
	copy->slot_cnt = samples->slot_cnt;
	return copy;
}

struct sample *profile_samples__find(
	const struct profile_samples *samples, const struct sample_key *key)
{
	uint32_t row;

	if (!samples->slot_cnt)
		return NULL;
	row = samples->slots[find_slot(samples, key)];
	return row ? &samples->rows[row - 1] : NULL;
}

struct sample *profile_samples__insert(
	struct profile_samples *samples, const struct sample_key *key)
{
	struct sample *sample;

	if (profile_samples__reserve(samples, 1) < 0)
		return NULL;
	samples->slots[find_slot(samples, key)] = samples->cnt + 1;
	sample = &samples->rows[samples->cnt++];
	memset(sample, 0, sizeof(*sample));
	sample->key = *key;
	return sample;
}
