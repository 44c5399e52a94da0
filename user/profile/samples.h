/* SPDX-License-Identifier: GPL-2.0 */
/* The samples of one profile by key. */
#ifndef PROFILE_SAMPLES_H
#define PROFILE_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

#include "profile/profile.h"

/*
 * A dense array of samples and an open-addressing index into it, and not uthash: a sample is 112
 * bytes, and uthash's handle with its malloc header would add 72 more; a copy, which every
 * `seconds=N` takes, is two memcpy and not an allocation a sample; and samples are never removed
 * one by one.
 */
struct profile_samples {
	struct sample *rows;
	size_t cnt;
	size_t rows_max; /* allocated */
	uint32_t *slots; /* 0: free, or a row's index + 1; linear probing, at most half full */
	size_t slot_cnt; /* a power of two */
	uint64_t seed;   /* of the hash: comm and thread are chosen by the processes profiled */
	size_t samples_max;
};

/* samples_max: the cap that profile__add keeps. NULL: out of memory. */
struct profile_samples *profile_samples__new(size_t samples_max);
void profile_samples__free(struct profile_samples *samples);
struct profile_samples *profile_samples__copy(const struct profile_samples *samples);
/* Makes room for add_cnt more samples, whatever their keys. 0 or -ENOMEM. */
int profile_samples__reserve(struct profile_samples *samples, size_t add_cnt);
/* NULL: no sample with this key. */
struct sample *profile_samples__find(
	const struct profile_samples *samples, const struct sample_key *key);
/* Adds a sample with zero values whose key is not there yet. NULL: out of memory. */
struct sample *profile_samples__insert(
	struct profile_samples *samples, const struct sample_key *key);

#endif
