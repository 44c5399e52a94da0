// SPDX-License-Identifier: GPL-2.0
/* Records of the stack ring, whole and cut, into the daemon. Only our own kernel half writes there; still one that contradicts
 * itself is counted, not believed. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "collect/stack_ring.h"

#define RECORDS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_request(uint32_t file_id, void *arg)
{
	(void)file_id;
	++*(size_t *)arg;
}

static int on_stack(const struct stack_record *record, const uint64_t *frames, void *arg)
{
	size_t cnt = (size_t)record->kernel_cnt + record->user_cnt, i;
	uint64_t sum = 0;

	if (cnt > STACK_FRAMES_MAX || record->end >= STACK_END_CNT)
		abort();
	for (i = 0; i < cnt; i++)
		sum += frames[i];
	++*(size_t *)arg;
	return sum == 1; /* an error that ends the delivery */
}

/* A process of one mapping, so that raw frames find a file. */
static struct processes *processes__of_one(struct files *files)
{
	struct processes *processes = processes__new(files, true, true);
	struct file_mapping mapping = {.path = "", .pid = 1 << 30, .start = 0x1000, .end = 0x9000};

	if (!processes)
		abort();
	processes__on_fork(processes, 1 << 30, 1, 1);
	processes__on_mmap(processes, &mapping, 2);
	processes__find(processes, 1 << 30)->image->rows[0].file_id = 7;
	return processes;
}

/* Two bytes of length, then so much of a record; of one that is long enough, the counts and the pid are made likely. */
static size_t add_next(struct stack_ring *ring, const uint8_t *data, size_t size)
{
	size_t bytes = (data[0] | data[1] << 8) % 8192, from = size - 2 < bytes ? size - 2 : bytes;
	struct stack_record *record = calloc(1, bytes ? bytes : 1);

	if (!record)
		abort();
	memcpy(record, data + 2, from);
	if (bytes >= sizeof(*record)) {
		record->kernel_cnt %= 2 * STACK_FRAMES_MAX;
		record->user_cnt %= 2 * STACK_FRAMES_MAX;
		if (record->pid & 1)
			record->pid = 1 << 30;
	}
	if (stack_ring__add(ring, record, bytes))
		abort();
	free(record);
	return 2 + from;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t stack_cnt = 0, request_cnt = 0, record_cnt, used;
	struct stack_ring *ring = stack_ring__new(on_request, &request_cnt);
	struct files *files = files__new();
	struct processes *processes = processes__of_one(files);

	if (!ring)
		abort();
	for (record_cnt = 0; record_cnt < RECORDS_MAX && size >= 2; record_cnt++) {
		used = add_next(ring, data, size);
		data += used;
		size -= used;
	}
	if (!stack_ring__deliver(ring, processes, on_stack, &stack_cnt) &&
		stack_cnt + request_cnt + stack_ring__bad_cnt(ring) != record_cnt)
		abort();
	stack_ring__close(ring);
	processes__free(processes);
	files__free(files);
	return 0;
}
