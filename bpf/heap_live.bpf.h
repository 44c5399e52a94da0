/* SPDX-License-Identifier: GPL-2.0 */
/* The tables of live objects and of allocation sites; heap_maps.h tells their form. */
#ifndef BPF_HEAP_LIVE_BPF_H
#define BPF_HEAP_LIVE_BPF_H

#include "heap_sample.bpf.h"

/* Sizes are the daemon's. */
#define HEAP_ARRAY(name, value_type, entries)                                                      \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY);                                                  \
		__uint(map_flags, BPF_F_MMAPABLE);                                                 \
		__uint(max_entries, entries);                                                      \
		__type(key, u32);                                                                  \
		__type(value, value_type);                                                         \
	} name SEC(".maps")

HEAP_ARRAY(heap_live, struct heap_bucket, 1);
HEAP_ARRAY(heap_sites, struct heap_site, 1);
HEAP_ARRAY(heap_processes, struct heap_process, HEAP_PROCESSES_MAX);

#define LIVE_MULTIPLIER 0x9e3779b97f4a7c15ull /* 2^64 / golden ratio */

static __always_inline u64 live__key(u32 process, u64 addr)
{
	return ((addr >> 3) & HEAP_KEY_ADDR_MASK) | (u64)(process + 1) << HEAP_KEY_ADDR_BITS;
}

static __always_inline struct heap_bucket *live__bucket(u64 key, int choice)
{
	u64 hash = key * LIVE_MULTIPLIER;
	u32 index = (choice ? hash >> 24 : hash >> 40) & heap_options.bucket_mask;

	return bpf_map_lookup_elem(&heap_live, &index);
}

/* Takes the object out of a bucket. Its value + 1; 0: not there. */
static __always_inline u64 bucket__take(struct heap_bucket *bucket, u64 key)
{
	u64 value;
	int i;

#pragma unroll
	for (i = 0; i < HEAP_WAYS; i++) {
		if (*(volatile u64 *)&bucket->keys[i] != key)
			continue;
		value = *(volatile u64 *)&bucket->values[i];
		if (__sync_val_compare_and_swap(&bucket->keys[i], key, 0) == key)
			return value + 1;
	}
	return 0;
}

static __always_inline u64 live__take(u64 key)
{
	struct heap_bucket *bucket = live__bucket(key, 0);
	u64 value = bucket ? bucket__take(bucket, key) : 0;

	if (value)
		return value;
	bucket = live__bucket(key, 1);
	return bucket ? bucket__take(bucket, key) : 0;
}

static __always_inline bool bucket__put(struct heap_bucket *bucket, u64 key, u64 value)
{
	int i;

#pragma unroll
	for (i = 0; i < HEAP_WAYS; i++) {
		if (*(volatile u64 *)&bucket->keys[i] ||
			__sync_val_compare_and_swap(&bucket->keys[i], 0, key))
			continue;
		/* Nobody knows the address before the allocator has returned it. */
		*(volatile u64 *)&bucket->values[i] = value;
		return true;
	}
	return false;
}

static __always_inline bool live__put(u64 key, u64 value)
{
	struct heap_bucket *bucket = live__bucket(key, 0);

	if (bucket && bucket__put(bucket, key, value))
		return true;
	bucket = live__bucket(key, 1);
	return bucket && bucket__put(bucket, key, value);
}

static __always_inline u64 site__hash(const struct sample_key *key)
{
	const u64 *words = (const u64 *)key;
	u64 hash = options.hash_seed;
	int i;

#pragma unroll
	for (i = 0; i < (int)(sizeof(*key) / sizeof(u64)); i++) {
		hash = (hash ^ words[i]) * LIVE_MULTIPLIER;
		hash ^= hash >> 32;
	}
	return hash | !hash;
}

/* The site of this key, made when it is new; HEAP_SITE_NONE when there is no room. */
static __always_inline u32 site__find(const struct sample_key *key, u32 process)
{
	u64 hash = site__hash(key);
	u32 i;

	for (i = 0; i < HEAP_SITE_PROBES; i++) {
		u32 index = (hash + i) & heap_options.site_mask;
		struct heap_site *site = bpf_map_lookup_elem(&heap_sites, &index);
		u64 old;

		if (!site)
			break;
		old = *(volatile u64 *)&site->hash;
		if (!old) {
			old = __sync_val_compare_and_swap(&site->hash, 0, hash);
			if (!old) {
				site->key = *key;
				site->process = process;
				__sync_lock_test_and_set(&site->ready, 1); /* after the key */
				return index;
			}
		}
		if (old == hash)
			return index;
	}
	counter__inc(COUNTER_heap_sites_full);
	return HEAP_SITE_NONE;
}

/* Where the sums of a site are; those of allocations without one are the process's. */
static __always_inline u64 *site__sums(u32 index, u32 process)
{
	struct heap_process *lost;
	struct heap_site *site;

	if (index != HEAP_SITE_NONE) {
		site = bpf_map_lookup_elem(&heap_sites, &index);
		return site ? site->sums : NULL;
	}
	lost = bpf_map_lookup_elem(&heap_processes, &process);
	return lost ? lost->lost : NULL;
}

/* In use: more bytes, or fewer. */
static __always_inline void process__use(u32 process, s64 bytes)
{
	struct heap_process *figures = bpf_map_lookup_elem(&heap_processes, &process);
	s64 in_use, peak;

	if (!figures)
		return;
	in_use = __sync_fetch_and_add(&figures->in_use_bytes, bytes) + bytes;
	peak = *(volatile s64 *)&figures->peak_bytes;
	/* another CPU's higher peak that comes in between stays */
	if (in_use > peak)
		__sync_val_compare_and_swap(&figures->peak_bytes, peak, in_use);
}

struct weight {
	u64 objects; /* in 1/HEAP_OBJECT_ONE */
	u64 bytes;
};

/* What an object of this value stands for; the same whenever it is asked. */
static __always_inline struct weight value__weight(u64 value)
{
	u64 size = value & HEAP_SIZE_MAX;
	u32 thin = (value >> HEAP_SIZE_BITS) & HEAP_THIN_MAX;

	return (struct weight){weight__objects(size) << thin, weight__bytes(size) << thin};
}

static __always_inline u64 value__of(u32 process, u64 size, u32 site)
{
	struct heap_process *figures = bpf_map_lookup_elem(&heap_processes, &process);
	u64 thin = figures ? figures->thin & HEAP_THIN_MAX : 0;

	return size | thin << HEAP_SIZE_BITS | (u64)site << HEAP_SITE_SHIFT;
}

static __always_inline void site__account_alloc(u32 process, u32 site, struct weight weight)
{
	u64 *sums = site__sums(site, process);

	if (!sums)
		return;
	__sync_fetch_and_add(&sums[HEAP_ALLOC_OBJECTS], weight.objects);
	__sync_fetch_and_add(&sums[HEAP_ALLOC_BYTES], weight.bytes);
	process__use(process, weight.bytes);
}

/* sign -1 takes a free back. */
static __always_inline void site__account_free(
	u32 process, u32 site, struct weight weight, s64 sign)
{
	u64 *sums = site__sums(site, process);

	if (!sums)
		return;
	__sync_fetch_and_add(&sums[HEAP_FREE_OBJECTS], sign * weight.objects);
	__sync_fetch_and_add(&sums[HEAP_FREE_BYTES], sign * weight.bytes);
	process__use(process, -sign * (s64)weight.bytes);
}

static __always_inline void value__account_alloc(u32 process, u64 value)
{
	site__account_alloc(process, value >> HEAP_SITE_SHIFT, value__weight(value));
}

static __always_inline void value__account_free(u32 process, u64 value, s64 sign)
{
	site__account_free(process, value >> HEAP_SITE_SHIFT, value__weight(value), sign);
}

#endif
