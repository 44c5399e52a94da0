// SPDX-License-Identifier: GPL-2.0
/* Batched reads with deletion. */
#include "collect/drain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#define BATCH_CNT     1024
#define BATCH_CNT_MAX (1 << 20)

struct batch {
	struct sample_key *keys;
	struct sample_value *values;
	uint32_t capacity;
};

static int batch__grow(struct batch *batch, uint32_t capacity)
{
	struct sample_key *keys = reallocarray(batch->keys, capacity, sizeof(*keys));
	struct sample_value *values;

	if (!keys)
		return -ENOMEM;
	batch->keys = keys;
	values = reallocarray(batch->values, capacity, sizeof(*values));
	if (!values)
		return -ENOMEM;
	batch->values = values;
	batch->capacity = capacity;
	return 0;
}

static int batch__emit(const struct batch *batch, uint32_t cnt, collector_sample_fn fn, void *arg)
{
	uint32_t i;

	for (i = 0; i < cnt; i++) {
		uint64_t values[2] = {batch->values[i].count, batch->values[i].value};
		int err = fn(&batch->keys[i], values, arg);

		if (err)
			return err;
	}
	return 0;
}

int drain__samples(int map_fd, collector_sample_fn fn, void *arg)
{
	struct batch batch = {0};
	uint32_t cursor, *in = NULL;
	int err = batch__grow(&batch, BATCH_CNT);

	while (!err) {
		uint32_t cnt = batch.capacity;
		bool at_end;

		err = bpf_map_lookup_and_delete_batch(
			map_fd, in, &cursor, batch.keys, batch.values, &cnt, NULL);
		if (err == -ENOSPC && batch.capacity < BATCH_CNT_MAX) {
			/* a bucket holds more than the batch; nothing was taken of it */
			err = batch__emit(&batch, cnt, fn, arg);
			if (!err)
				err = batch__grow(&batch, 2 * batch.capacity);
			in = cnt ? &cursor : in;
			continue;
		}
		at_end = err == -ENOENT;
		if (err && !at_end)
			break;
		err = batch__emit(&batch, cnt, fn, arg);
		if (at_end)
			break;
		in = &cursor;
	}
	free(batch.keys);
	free(batch.values);
	return err;
}

int drain__lost(int map_fd, int parity, collector_sample_fn fn, void *arg)
{
	struct lost_key key, next, *previous = NULL;
	struct sample_value value;
	int err = 0;

	while (!err && !bpf_map_get_next_key(map_fd, previous, &next)) {
		/* key is deleted only after the walk has moved on, so that the walk does not start anew */
		if (previous && (int)key.parity == parity)
			bpf_map_delete_elem(map_fd, &key);
		if ((int)next.parity == parity && !bpf_map_lookup_elem(map_fd, &next, &value)) {
			struct sample_key sample = {
				.pid = next.pid, .start_ns = next.start_ns, .cgroup = next.cgroup};
			uint64_t values[2] = {value.count, value.value};

			memcpy(sample.comm, next.comm, sizeof(sample.comm));
			err = fn(&sample, values, arg);
		}
		key = next;
		previous = &key;
	}
	if (previous && (int)key.parity == parity)
		bpf_map_delete_elem(map_fd, &key);
	return err;
}
