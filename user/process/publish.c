// SPDX-License-Identifier: GPL-2.0
/* Writes the process table into the kernel's arrays, in place and without a system call a mapping. */
#include "process/publish.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "process/proc.h"
#include "process/slots.h"

#define ROWS_SMALLEST 8u /* what a program with few libraries has: so 8,192 of them fit */
#define SHARE_OF_ONE  8u /* of the kernel's rows, one process may write an eighth in an epoch */
/* exec sets start_stack and end_code a little after it reported the new image: so long they are read again. */
#define EXEC_SETTLE_NS 20000000ull
#define EXEC_AGAIN_MS  2

struct publisher {
	struct publisher_maps maps;
	struct slots *row_slots;
	struct slots *slice_slots;
	uint32_t epoch;
	uint64_t full_cnt;
};

struct publisher *publisher__new(const struct publisher_maps *maps)
{
	struct publisher *publisher = calloc(1, sizeof(*publisher));

	if (!publisher)
		return NULL;
	publisher->maps = *maps;
	publisher->row_slots = slots__new(maps->row_max, ROWS_SMALLEST);
	publisher->slice_slots = slots__new(maps->slice_max, 1);
	if (!publisher->row_slots || !publisher->slice_slots) {
		publisher__free(publisher);
		return NULL;
	}
	return publisher;
}

void publisher__free(struct publisher *publisher)
{
	if (!publisher)
		return;
	slots__free(publisher->row_slots);
	slots__free(publisher->slice_slots);
	free(publisher);
}

uint64_t publisher__full_cnt(const struct publisher *publisher)
{
	return publisher->full_cnt;
}

/* A reader that sees seq odd, or changed, does not use what it read. */
static void slice__write(struct mapping_slice *slice, const struct mapping_slice *value)
{
	uint32_t seq = slice->seq;

	__atomic_store_n(&slice->seq, seq | 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	slice->first = value->first;
	slice->cnt = value->cnt;
	slice->pid = value->pid;
	slice->start_stack = value->start_stack;
	slice->end_code = value->end_code;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	__atomic_store_n(&slice->seq, (seq | 1) + 1, __ATOMIC_RELAXED);
}

/* Gives the process an index of its own in the kernel. */
static int process__take_slice(struct publisher *publisher, struct process *process)
{
	uint32_t index;
	int err = slots__take(publisher->slice_slots, 1, &index);

	if (err)
		return err;
	slice__write(&publisher->maps.slices[index], &(struct mapping_slice){.pid = process->pid});
	if (bpf_map_update_elem(
		    publisher->maps.process_slices_fd, &process->pid, &index, BPF_ANY)) {
		err = -errno;
		slots__give(publisher->slice_slots, index, 1, publisher->epoch);
		return err;
	}
	process->slice = index + 1;
	return 0;
}

/* Rows that are replaced are free again in a later epoch only. A process that maps all the time must not use up those of
 * all others until then: it waits. */
static bool process__may_write(const struct publisher *publisher, struct process *process)
{
	if (process->written_epoch != publisher->epoch) {
		process->written_epoch = publisher->epoch;
		process->written_cnt = 0;
	}
	return process->written_cnt < publisher->maps.row_max / SHARE_OF_ONE;
}

static void process__publish(struct publisher *publisher, struct process *process)
{
	const struct image *image = process->image;
	struct mapping_slice slice = {
		.cnt = image->row_cnt,
		.pid = process->pid,
		.start_stack = image->start_stack,
		.end_code = image->end_code,
	};

	/* In the middle of an exec there is no identity yet: nothing could tell these rows from another image's. */
	if (!image->start_stack || !image->end_code || !process__may_write(publisher, process))
		return;
	process->is_dirty = false;
	if (!image->row_cnt)
		return;
	if ((!process->slice && process__take_slice(publisher, process)) ||
		slots__take(publisher->row_slots, slice.cnt, &slice.first)) {
		/* once more in the next epoch, when others may have given back theirs */
		publisher->full_cnt += !process->is_unpublished;
		process->is_unpublished = true;
		process->is_dirty = true;
		process->written_cnt = publisher->maps.row_max;
		return;
	}
	process->is_unpublished = false;
	memcpy(&publisher->maps.rows[slice.first], image->rows, slice.cnt * sizeof(*image->rows));
	slice__write(&publisher->maps.slices[process->slice - 1], &slice);
	process->written_cnt += slice.cnt;
	if (process->published_cnt)
		slots__give(publisher->row_slots, process->published_first, process->published_cnt,
			publisher->epoch);
	process->published_first = slice.first;
	process->published_cnt = slice.cnt;
}

/* True when the image's identity changed. */
static bool image__read_identity(struct image *image, uint32_t pid)
{
	struct proc_stat stat;

	if (proc_stat__read((pid_t)pid, &stat))
		return false;
	if (stat.start_stack == image->start_stack && stat.end_code == image->end_code)
		return false;
	image->start_stack = stat.start_stack;
	image->end_code = stat.end_code;
	return true;
}

int publisher__flush(struct publisher *publisher, struct processes *processes, uint64_t now_ns)
{
	struct process *process = processes->listed, *next;
	int again_ms = -1;

	processes->listed = NULL;
	for (; process; process = next) {
		struct image *image = process->image;

		next = process->next_listed;
		process->is_listed = false;
		if (process->end_ns)
			continue;
		if ((image->older || !image->start_stack) &&
			image__read_identity(image, process->pid))
			process->is_dirty = true;
		if (process->is_dirty)
			process__publish(publisher, process);
		if ((image->older || process->is_dirty) &&
			now_ns - image->from_ns < EXEC_SETTLE_NS) {
			processes__list(processes, process);
			again_ms = EXEC_AGAIN_MS;
		} else if (process->is_dirty && image->start_stack) {
			processes__list(processes, process); /* it waits for the next epoch */
		}
	}
	return again_ms;
}

void publisher__drop(struct process *process, void *arg)
{
	struct publisher *publisher = arg;
	uint32_t index, current;

	if (!process->slice)
		return;
	index = process->slice - 1;
	/* The pid may have a new owner, with a slice of its own. */
	if (!bpf_map_lookup_elem(publisher->maps.process_slices_fd, &process->pid, &current) &&
		current == index)
		bpf_map_delete_elem(publisher->maps.process_slices_fd, &process->pid);
	slice__write(&publisher->maps.slices[index], &(struct mapping_slice){0});
	slots__give(publisher->slice_slots, index, 1, publisher->epoch);
	if (process->published_cnt)
		slots__give(publisher->row_slots, process->published_first, process->published_cnt,
			publisher->epoch);
	process->slice = 0;
}

void publisher__begin_epoch(struct publisher *publisher, uint32_t epoch)
{
	publisher->epoch = epoch;
	slots__reclaim(publisher->row_slots, epoch);
	slots__reclaim(publisher->slice_slots, epoch);
}
