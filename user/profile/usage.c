// SPDX-License-Identifier: GPL-2.0
/* CPU samples by process, a bucket a second. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include <stdlib.h>
#include <string.h>

#include "profile/usage.h"

#define NS_PER_S 1000000000ull

struct identity {
	uint64_t start_ns;
	uint64_t pid;
};

struct entry {
	UT_hash_handle
		hh; /* in the order of the last sample: the first one was quiet for longest */
	struct identity identity;
	uint64_t cgroup;
	char comm[TASK_COMM_BYTES];
	uint64_t total_ns;
	uint64_t second; /* of the last sample */
	uint32_t sample_cnt[USAGE_SECONDS_MAX];
	uint64_t cpu_ns[USAGE_SECONDS_MAX];
};

struct usage {
	struct entry *entries;
	size_t process_max;
	uint64_t second; /* of CLOCK_MONOTONIC */
	uint64_t sample_cnt, cpu_ns, evicted_cnt;
};

struct usage *usage__new(size_t process_max)
{
	struct usage *usage = calloc(1, sizeof(*usage));

	if (usage)
		usage->process_max = process_max;
	return usage;
}

static void usage__remove(struct usage *usage, struct entry *entry)
{
	HASH_DEL(usage->entries, entry);
	free(entry);
}

void usage__free(struct usage *usage)
{
	if (!usage)
		return;
	while (usage->entries)
		usage__remove(usage, usage->entries);
	free(usage);
}

static struct entry *usage__find(struct usage *usage, const struct identity *identity)
{
	struct entry *entry;

	HASH_FIND(hh, usage->entries, identity, sizeof(*identity), entry);
	if (entry) {
		/* to the end of the order */
		HASH_DEL(usage->entries, entry);
	} else {
		if (HASH_COUNT(usage->entries) >= usage->process_max) {
			usage->evicted_cnt++;
			usage__remove(usage, usage->entries);
		}
		entry = calloc(1, sizeof(*entry));
		if (!entry)
			return NULL;
		entry->identity = *identity;
	}
	HASH_ADD(hh, usage->entries, identity, sizeof(entry->identity), entry);
	if (!entry->hh.tbl) {
		free(entry);
		return NULL;
	}
	return entry;
}

/* Buckets of the seconds since the last sample are of a minute ago. */
static void entry__catch_up(struct entry *entry, uint64_t second)
{
	uint64_t at = entry->second + 1;

	if (second > entry->second + USAGE_SECONDS_MAX)
		at = second - USAGE_SECONDS_MAX + 1;
	for (; at <= second; at++) {
		entry->sample_cnt[at % USAGE_SECONDS_MAX] = 0;
		entry->cpu_ns[at % USAGE_SECONDS_MAX] = 0;
	}
	entry->second = second;
}

void usage__add(struct usage *usage, const struct sample_key *key, const uint64_t *values)
{
	struct identity identity = {.start_ns = key->start_ns, .pid = key->pid};
	struct entry *entry;
	size_t bucket = usage->second % USAGE_SECONDS_MAX;

	usage->sample_cnt += values[0];
	usage->cpu_ns += values[1];
	if (!key->start_ns)
		return; /* lost: of which process is not known for certain */
	entry = usage__find(usage, &identity);
	if (!entry)
		return;
	entry__catch_up(entry, usage->second);
	entry->sample_cnt[bucket] += (uint32_t)values[0];
	entry->cpu_ns[bucket] += values[1];
	entry->total_ns += values[1];
	entry->cgroup = key->cgroup;
	memcpy(entry->comm, key->comm, sizeof(entry->comm));
}

void usage__advance(struct usage *usage, uint64_t now_ns)
{
	usage->second = now_ns / NS_PER_S;
	while (usage->entries && usage->entries->second + USAGE_SECONDS_MAX < usage->second)
		usage__remove(usage, usage->entries);
}

static struct usage_row entry__row(const struct entry *entry, uint64_t second, unsigned int seconds)
{
	struct usage_row row = {
		.pid = (uint32_t)entry->identity.pid,
		.start_ns = entry->identity.start_ns,
		.cgroup = entry->cgroup,
		.total_ns = entry->total_ns,
	};
	uint64_t at = second >= seconds ? second - seconds + 1 : 0;

	memcpy(row.comm, entry->comm, sizeof(row.comm));
	for (; at <= second; at++) {
		if (at > entry->second || at + USAGE_SECONDS_MAX <= entry->second)
			continue;
		row.sample_cnt += entry->sample_cnt[at % USAGE_SECONDS_MAX];
		row.cpu_ns += entry->cpu_ns[at % USAGE_SECONDS_MAX];
	}
	return row;
}

size_t usage__top(
	const struct usage *usage, unsigned int seconds, struct usage_row *rows, size_t row_max)
{
	const struct entry *entry;
	size_t cnt = 0, at;

	for (entry = usage->entries; entry && row_max; entry = entry->hh.next) {
		struct usage_row row = entry__row(entry, usage->second, seconds);

		if (!row.sample_cnt ||
			(cnt == row_max && row.sample_cnt <= rows[cnt - 1].sample_cnt))
			continue;
		at = cnt < row_max ? cnt++ : cnt - 1;
		for (; at && rows[at - 1].sample_cnt < row.sample_cnt; at--)
			rows[at] = rows[at - 1];
		rows[at] = row;
	}
	return cnt;
}

uint64_t usage__sample_cnt(const struct usage *usage)
{
	return usage->sample_cnt;
}

uint64_t usage__cpu_ns(const struct usage *usage)
{
	return usage->cpu_ns;
}

uint64_t usage__evicted_cnt(const struct usage *usage)
{
	return usage->evicted_cnt;
}
