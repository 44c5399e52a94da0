// SPDX-License-Identifier: GPL-2.0
/* Reader of the stack ring. */
#include "collect/stack_ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "unwind.h"

struct stack_ring {
	struct ring_buffer *buffer;
	unsigned char *taken; /* records with their frames, one after the other */
	size_t taken_bytes, taken_capacity;
	uint64_t bad_cnt;
	table_request_fn on_request;
	void *request_arg;
};

static size_t record__frame_cnt(const struct stack_record *record)
{
	return (size_t)record->kernel_cnt + record->user_cnt;
}

int stack_ring__add(struct stack_ring *ring, const void *data, size_t bytes)
{
	const struct stack_record *record = data;
	size_t need;

	if (bytes == sizeof(struct unwind_request)) {
		ring->on_request(((const struct unwind_request *)data)->file_id, ring->request_arg);
		return 0;
	}
	if (bytes < sizeof(*record)) {
		ring->bad_cnt++;
		return 0;
	}
	need = sizeof(*record) + record__frame_cnt(record) * sizeof(uint64_t);
	if (bytes < need || record__frame_cnt(record) > STACK_FRAMES_MAX ||
		record->end >= STACK_END_CNT) {
		ring->bad_cnt++;
		return 0;
	}
	if (ring->taken_bytes + need > ring->taken_capacity) {
		size_t capacity = ring->taken_capacity ? 2 * ring->taken_capacity : 256 * 1024;
		unsigned char *taken = realloc(ring->taken, capacity);

		if (!taken)
			return -ENOMEM;
		ring->taken = taken;
		ring->taken_capacity = capacity;
	}
	memcpy(ring->taken + ring->taken_bytes, data, need);
	ring->taken_bytes += need;
	return 0;
}

static int ring__on_record(void *arg, void *data, size_t bytes)
{
	return stack_ring__add(arg, data, bytes);
}

struct stack_ring *stack_ring__new(table_request_fn on_request, void *arg)
{
	struct stack_ring *ring = calloc(1, sizeof(*ring));

	if (!ring)
		return NULL;
	ring->on_request = on_request;
	ring->request_arg = arg;
	return ring;
}

int stack_ring__open(int map_fd, table_request_fn on_request, void *arg, struct stack_ring **ret)
{
	struct stack_ring *ring = stack_ring__new(on_request, arg);

	if (!ring)
		return -ENOMEM;
	ring->buffer = ring_buffer__new(map_fd, ring__on_record, ring, NULL);
	if (!ring->buffer) {
		int err = -errno;

		free(ring);
		return err;
	}
	*ret = ring;
	return 0;
}

void stack_ring__close(struct stack_ring *ring)
{
	if (!ring)
		return;
	ring_buffer__free(ring->buffer);
	free(ring->taken);
	free(ring);
}

int stack_ring__fd(const struct stack_ring *ring)
{
	return ring_buffer__epoll_fd(ring->buffer);
}

int stack_ring__take(struct stack_ring *ring)
{
	int cnt = ring_buffer__consume(ring->buffer);

	return cnt < 0 ? cnt : 0;
}

uint64_t stack_ring__bad_cnt(const struct stack_ring *ring)
{
	return ring->bad_cnt;
}

/* Raw user frames that lie in a file's mapping become frames of that file. */
static void record__normalise(
	const struct stack_record *record, uint64_t *frames, const struct processes *processes)
{
	struct process *process = processes__find_started(processes, record->pid, record->start_ns);
	const struct image *image;
	size_t i;

	if (!process)
		return;
	image = process__image_at(process, record->time_ns);
	for (i = record->kernel_cnt; i < record__frame_cnt(record); i++) {
		const struct mapping_row *row;

		if (frames[i] & (FRAME_FILE | FRAME_KERNEL))
			continue;
		row = image__find(image, frames[i]);
		if (row && row->file_id)
			frames[i] = FRAME_FILE | (uint64_t)row->file_id << FRAME_ADDR_BITS |
				    ((frames[i] - row->bias) & FRAME_ADDR_MASK);
	}
}

int stack_ring__deliver(
	struct stack_ring *ring, const struct processes *processes, stack_fn fn, void *arg)
{
	size_t offset = 0;
	int err = 0;

	while (offset < ring->taken_bytes && !err) {
		struct stack_record *record = (struct stack_record *)(ring->taken + offset);
		uint64_t *frames = (uint64_t *)(record + 1);

		if (record->raw_cnt)
			record__normalise(record, frames, processes);
		err = fn(record, frames, arg);
		offset += sizeof(*record) + record__frame_cnt(record) * sizeof(uint64_t);
	}
	ring->taken_bytes = 0;
	return err;
}
