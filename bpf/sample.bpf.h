/* SPDX-License-Identifier: GPL-2.0 */
/* Counting a sample under its key, in the map of the current epoch. */
#ifndef BPF_SAMPLE_BPF_H
#define BPF_SAMPLE_BPF_H

#include "common.bpf.h"

#define SAMPLE_MAP(name)                                                                           \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_HASH);                                                   \
		__uint(max_entries, 8192);                                                         \
		__type(key, struct sample_key);                                                    \
		__type(value, struct sample_value);                                                \
	} name SEC(".maps")

/* The three maps of a collector that counts samples. */
#define SAMPLE_MAPS(collector)                                                                     \
	SAMPLE_MAP(collector##_samples_0);                                                         \
	SAMPLE_MAP(collector##_samples_1);                                                         \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_HASH);                                                   \
		__uint(max_entries, 1024);                                                         \
		__type(key, struct lost_key);                                                      \
		__type(value, struct sample_value);                                                \
	} collector##_lost SEC(".maps");

/* Whose sample it is; of any task. */
static __always_inline void sample_key__name(struct sample_key *key, struct task_struct *task)
{
	struct task_struct *leader = task->group_leader;

	key->start_ns = leader->start_boottime;
	task__copy_comm(key->comm, leader);
	task__copy_comm(key->thread, task);
}

/* Of the current task. */
static __always_inline void sample_key__fill(struct sample_key *key, struct task_struct *task)
{
	sample_key__name(key, task);
	key->cgroup = bpf_get_current_cgroup_id();
}

static __always_inline bool sample__add(void *map, const void *key, u64 cnt, u64 value)
{
	struct sample_value *old = bpf_map_lookup_elem(map, key),
			    first = {.count = cnt, .value = value};

	if (!old) {
		if (!bpf_map_update_elem(map, key, &first, BPF_NOEXIST))
			return true;
		old = bpf_map_lookup_elem(map, key); /* another CPU was first, or the map is full */
	}
	if (!old)
		return false;
	__sync_fetch_and_add(&old->count, cnt);
	__sync_fetch_and_add(&old->value, value);
	return true;
}

/* Adds one sample that stands for cnt to the map of the epoch that the program entered. What does not fit is kept by
 * process, then in total. */
static __always_inline void sample__count(void *samples_0, void *samples_1, void *lost, int parity,
	const struct sample_key *key, u64 cnt, u64 value)
{
	struct lost_key lost_key = {
		.start_ns = key->start_ns,
		.cgroup = key->cgroup,
		.pid = key->pid,
		.parity = parity,
	};

	if (sample__add(parity ? samples_1 : samples_0, key, cnt, value))
		return;
	__builtin_memcpy(lost_key.comm, key->comm, sizeof(lost_key.comm));
	counter__add(COUNTER_samples_map_full, cnt);
	if (!sample__add(lost, &lost_key, cnt, value))
		counter__add(COUNTER_lost_map_full, cnt);
}

#endif
