// SPDX-License-Identifier: GPL-2.0
/* The kernel half's tables of sites and live objects, read and cleared in place while programs write them. */
#include "collect/heap_tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int heap_tables__init(struct heap_tables *tables)
{
	tables->sites_drained = calloc(tables->site_cnt, sizeof(*tables->sites_drained));
	tables->lost_drained = calloc(HEAP_PROCESSES_MAX, sizeof(*tables->lost_drained));
	return tables->sites_drained && tables->lost_drained ? 0 : -ENOMEM;
}

void heap_tables__destroy(struct heap_tables *tables)
{
	free(tables->sites_drained);
	free(tables->lost_drained);
}

static uint64_t word__read(const __u64 *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

/* Frees are read first: an object that is freed meanwhile is then in use still, never less than not there. */
static void sums__read(const __u64 *values, struct heap_sums *ret)
{
	ret->values[HEAP_FREE_OBJECTS] = word__read(&values[HEAP_FREE_OBJECTS]);
	ret->values[HEAP_FREE_BYTES] = word__read(&values[HEAP_FREE_BYTES]);
	ret->values[HEAP_ALLOC_OBJECTS] = word__read(&values[HEAP_ALLOC_OBJECTS]);
	ret->values[HEAP_ALLOC_BYTES] = word__read(&values[HEAP_ALLOC_BYTES]);
}

/* Whole objects are differences of rounded totals, so that what was added and taken away leaves nothing. */
static uint64_t objects__round(uint64_t objects)
{
	return (objects + HEAP_OBJECT_ONE / 2) >> HEAP_OBJECT_SHIFT;
}

static void sums__values(const struct heap_sums *sums, uint64_t ret[HEAP_SUM_CNT])
{
	uint64_t objects = objects__round(sums->values[HEAP_ALLOC_OBJECTS]);

	ret[0] = objects;
	ret[1] = sums->values[HEAP_ALLOC_BYTES];
	ret[2] = objects - objects__round(sums->values[HEAP_FREE_OBJECTS]);
	ret[3] = ret[1] - sums->values[HEAP_FREE_BYTES];
}

/* 0 or what fn returned; drained becomes what words are now. */
static int sums__drain(const __u64 *words, struct heap_sums *drained, const struct sample_key *key,
	collector_sample_fn fn, void *arg)
{
	uint64_t values[HEAP_SUM_CNT], before[HEAP_SUM_CNT];
	struct heap_sums now;
	int i;

	sums__read(words, &now);
	if (!memcmp(&now, drained, sizeof(now)))
		return 0;
	sums__values(&now, values);
	sums__values(drained, before);
	for (i = 0; i < HEAP_SUM_CNT; i++)
		values[i] -= before[i];
	*drained = now;
	return fn(key, values, arg);
}

int heap_tables__drain(struct heap_tables *tables,
	bool (*lost_key)(uint32_t process, struct sample_key *ret, void *arg), void *key_arg,
	collector_sample_fn fn, void *arg)
{
	uint32_t i;
	int err = 0;

	for (i = 0; !err && i < tables->site_cnt; i++) {
		struct heap_site *site = &tables->sites[i];

		if (__atomic_load_n(&site->ready, __ATOMIC_ACQUIRE))
			err = sums__drain(
				site->sums, &tables->sites_drained[i], &site->key, fn, arg);
	}
	for (i = 0; !err && i < HEAP_PROCESSES_MAX; i++) {
		struct sample_key key = {0};

		if (lost_key(i, &key, key_arg))
			err = sums__drain(
				tables->processes[i].lost, &tables->lost_drained[i], &key, fn, arg);
	}
	return err;
}

static void sums__add(struct heap_sums *sums, const __u64 *words)
{
	struct heap_sums now;
	int i;

	sums__read(words, &now);
	for (i = 0; i < HEAP_SUM_CNT; i++)
		sums->values[i] += now.values[i];
}

void heap_tables__sum(const struct heap_tables *tables, struct heap_sums *sums)
{
	uint32_t i;

	memset(sums, 0, HEAP_PROCESSES_MAX * sizeof(*sums));
	for (i = 0; i < tables->site_cnt; i++) {
		const struct heap_site *site = &tables->sites[i];

		if (__atomic_load_n(&site->ready, __ATOMIC_ACQUIRE) &&
			site->process < HEAP_PROCESSES_MAX)
			sums__add(&sums[site->process], site->sums);
	}
	for (i = 0; i < HEAP_PROCESSES_MAX; i++)
		sums__add(&sums[i], tables->processes[i].lost);
}

/* Searches do not end at a free slot but look at all that a hash may be in, so a hole harms none of them: at worst a site is
 * made twice, and both are counted. */
static void sites__forget(struct heap_tables *tables, const bool gone[HEAP_PROCESSES_MAX])
{
	uint32_t i;

	for (i = 0; i < tables->site_cnt; i++) {
		struct heap_site *site = &tables->sites[i];

		if (!__atomic_load_n(&site->ready, __ATOMIC_ACQUIRE) ||
			site->process >= HEAP_PROCESSES_MAX || !gone[site->process])
			continue;
		memset(site->sums, 0, sizeof(site->sums));
		memset(&tables->sites_drained[i], 0, sizeof(tables->sites_drained[i]));
		__atomic_store_n(&site->ready, 0, __ATOMIC_RELEASE);
		__atomic_store_n(&site->hash, 0, __ATOMIC_RELEASE);
	}
}

void heap_tables__forget(struct heap_tables *tables, const bool gone[HEAP_PROCESSES_MAX])
{
	uint32_t i, way;

	for (i = 0; i < tables->bucket_cnt; i++) {
		for (way = 0; way < HEAP_WAYS; way++) {
			uint64_t key = word__read(&tables->buckets[i].keys[way]);
			uint64_t process = HEAP_KEY_PROCESS(key);

			if (key && process < HEAP_PROCESSES_MAX && gone[process])
				__atomic_store_n(
					&tables->buckets[i].keys[way], 0, __ATOMIC_RELEASE);
		}
	}
	sites__forget(tables, gone);
	for (i = 0; i < HEAP_PROCESSES_MAX; i++) {
		if (!gone[i])
			continue;
		memset(&tables->processes[i], 0, sizeof(tables->processes[i]));
		memset(&tables->lost_drained[i], 0, sizeof(tables->lost_drained[i]));
	}
}
