// SPDX-License-Identifier: GPL-2.0
/* Which processes are probed, and on which of the files that they map. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collect/heap_private.h"
#include "collect/shared.h"
#include "process/regular_file.h"

static struct heap_target *heap__find(struct collector *heap, const struct process *process)
{
	uint32_t i;

	for (i = 0; i < heap->target_end; i++) {
		struct heap_target *target = &heap->targets[i];

		if (target->state == HEAP_TARGET_LIVE && target->pid == process->pid &&
			target->start_ns == process->start_ns)
			return target;
	}
	return NULL;
}

static void comm__read(uint32_t pid, char ret[TASK_COMM_BYTES + 1])
{
	char path[64];
	FILE *file;

	ret[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%u/comm", pid);
	file = fopen(path, "re");
	if (!file)
		return;
	if (!fgets(ret, TASK_COMM_BYTES + 1, file))
		ret[0] = '\0';
	ret[strcspn(ret, "\n")] = '\0';
	fclose(file);
}

static struct heap_target *heap__add(struct collector *heap, const struct process *process)
{
	struct heap_target *target;
	uint32_t i;

	for (i = 0; i < HEAP_PROCESSES_MAX; i++)
		if (heap->targets[i].state == HEAP_TARGET_FREE)
			break;
	if (i == HEAP_PROCESSES_MAX) {
		if (!heap->told_full)
			heap__note(heap, HEAP_NOTE_WARN,
				"heap: no more than %d processes are probed at once; pid %u and others are not in it",
				HEAP_PROCESSES_MAX, process->pid);
		heap->told_full = true;
		return NULL;
	}
	if (i >= heap->target_end)
		heap->target_end = i + 1;
	target = &heap->targets[i];
	*target = (struct heap_target){
		.state = HEAP_TARGET_LIVE,
		.index = i,
		.pid = process->pid,
		.start_ns = process->start_ns,
	};
	heap->tables.processes[i].thin = heap->guard.thin;
	comm__read(target->pid, target->comm);
	return target;
}

/* Frames name a file by the number of the process table, which is one for all copies of a library. */
static void heap__keep_file_id(
	struct collector *heap, uint32_t id, const struct allocator *allocator)
{
	struct heap_file_id *grown;
	uint32_t i;

	for (i = 0; i < heap->file_id_cnt; i++)
		if (heap->file_ids[i].id == id)
			return;
	grown = reallocarray(heap->file_ids, heap->file_id_cnt + 1, sizeof(*grown));
	if (!grown)
		return;
	heap->file_ids = grown;
	grown[heap->file_id_cnt++] = (struct heap_file_id){.id = id, .allocator = allocator};
}

bool heap__has_frame(const struct collector *heap, uint64_t frame)
{
	uint64_t addr = frame & FRAME_ADDR_MASK;
	uint32_t id = (uint32_t)((frame & ~FRAME_FILE) >> FRAME_ADDR_BITS), i, k;

	if (!(frame & FRAME_FILE))
		return false;
	for (i = 0; i < heap->file_id_cnt; i++) {
		const struct allocator *allocator = heap->file_ids[i].allocator;

		if (heap->file_ids[i].id != id)
			continue;
		for (k = 0; k < allocator->cnt; k++)
			if (addr - allocator->functions[k].addr < allocator->functions[k].bytes)
				return true;
		return false;
	}
	return false;
}

/* A process that samples by itself is asked for no other probes, lest each allocation be counted twice. */
static bool heap__has_seen_allocs(struct collector *heap, const struct heap_target *target)
{
	struct heap_figures figures = {0};

	heap__read_hits(heap, target->index, &figures);
	return figures.alloc_cnt > 0;
}

/* id: of the process table; 0: not known. */
static void heap__probe_fd(
	struct collector *heap, struct heap_target *target, int fd, uint32_t id, const char *path)
{
	const struct heap_file *file = heap_files__get(heap->files, fd);
	int err;

	if (!file || (!file->allocator && !file->usdt))
		return;
	if (id && file->allocator)
		heap__keep_file_id(heap, id, file->allocator);
	if (file->usdt && !target->is_usdt) {
		heap_target__use_usdt(target, true, heap__has_seen_allocs(heap, target));
		target->usdt_image_ns = target->image_ns;
	}
	if (!(target->is_usdt ? file->usdt != NULL : file->allocator != NULL))
		return;
	err = heap_target__probe(
		target, &heap->programs, file, heap_guard__allocs_are_on(&heap->guard));
	if (err == -EEXIST)
		return;
	if (err == -ESRCH)
		return; /* it has ended meanwhile */
	if (err) {
		heap__note(heap, HEAP_NOTE_WARN,
			"heap: pid %u: cannot probe the allocator in %s: %s; its allocations are not seen",
			target->pid, path, strerror(-err));
		return;
	}
	target->found = true;
	heap__tell_probed(heap, target, file, path);
}

static void heap__probe_row(struct collector *heap, struct heap_target *target,
	const struct processes *processes, const struct mapping_row *row)
{
	const struct file *file = files__get(processes->files, row->file_id);
	int fd;

	if (!file || file->kind != FILE_ELF)
		return;
	fd = heap_target__open_mapping(target, row);
	if (fd < 0)
		return;
	heap__probe_fd(heap, target, fd, file->id, file->path ? file->path : "?");
	close(fd);
}

/* A program that was executed may not sample by itself: what it maps tells, once its allocator is among it. */
static void heap__reconsider_usdt(struct collector *heap, struct heap_target *target,
	const struct processes *processes, const struct image *image)
{
	const struct heap_file *heap_file;
	bool has_allocator = false;
	const struct file *file;
	uint32_t i;
	int fd;

	for (i = 0; i < image->row_cnt; i++) {
		file = files__get(processes->files, image->rows[i].file_id);
		fd = file && file->kind == FILE_ELF
			     ? heap_target__open_mapping(target, &image->rows[i])
			     : -1;
		if (fd < 0)
			continue;
		heap_file = heap_files__get(heap->files, fd);
		close(fd);
		if (heap_file && heap_file->usdt) {
			target->usdt_image_ns = image->from_ns;
			return;
		}
		has_allocator |= heap_file && heap_file->allocator;
	}
	if (has_allocator)
		heap_target__use_usdt(target, false, false);
}

static void heap__look_at(struct collector *heap, struct heap_target *target,
	const struct processes *processes, const struct process *process)
{
	const struct image *image = process->image;
	uint32_t i, last_id = 0;

	if (target->change_cnt == process->change_cnt)
		return;
	if (target->image_ns != image->from_ns)
		comm__read(target->pid, target->comm);
	target->change_cnt = process->change_cnt;
	target->image_ns = image->from_ns;
	if (target->is_usdt && target->usdt_image_ns != image->from_ns)
		heap__reconsider_usdt(heap, target, processes, image);
	for (i = 0; i < image->row_cnt; i++) {
		if (!image->rows[i].file_id || image->rows[i].file_id == last_id)
			continue;
		last_id = image->rows[i].file_id;
		heap__probe_row(heap, target, processes, &image->rows[i]);
	}
	if (target->found || target->told_none || !image->row_cnt)
		return;
	target->told_none = true;
	heap__note(heap, heap->has_followed ? HEAP_NOTE_DEBUG : HEAP_NOTE_WARN,
		"heap: pid %u: no allocator found in what it maps (a malloc and a free with symbols: libc's, jemalloc's, "
		"tcmalloc's, mimalloc's): no heap profile of it; all else goes on",
		target->pid);
}

int heap__want(struct collector *heap, uint32_t pid)
{
	uint32_t *grown = reallocarray(heap->wanted, heap->wanted_cnt + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	heap->wanted = grown;
	grown[heap->wanted_cnt++] = pid;
	return 0;
}

void heap__unwant(struct collector *heap, uint32_t pid)
{
	uint32_t i;

	for (i = 0; i < heap->wanted_cnt; i++) {
		if (heap->wanted[i] != pid)
			continue;
		heap->wanted[i] = heap->wanted[--heap->wanted_cnt];
		return;
	}
}

static bool heap__wants(const struct collector *heap, uint32_t pid)
{
	uint32_t i;

	if (!shared__options(heap->shared)->all_processes)
		return true;
	for (i = 0; i < heap->wanted_cnt; i++)
		if (heap->wanted[i] == pid)
			return true;
	return false;
}

static void heap__let_go(struct collector *heap, const struct processes *processes)
{
	uint32_t i;

	for (i = 0; i < heap->target_end; i++) {
		struct heap_target *target = &heap->targets[i];
		const struct process *process;

		if (target->state != HEAP_TARGET_LIVE)
			continue;
		process = processes__find(processes, target->pid);
		if (process && process->start_ns == target->start_ns && !process->end_ns &&
			heap__wants(heap, target->pid))
			continue;
		heap_target__unprobe(target);
		target->state = HEAP_TARGET_ENDED;
	}
}

void heap__follow(struct collector *heap, const struct processes *processes)
{
	struct process *process, *next;

	heap__let_go(heap, processes);
	if (heap->guard.is_detached)
		return;
	HASH_ITER (hh, processes->by_pid, process, next) {
		struct heap_target *target;

		if (process->end_ns || !heap__wants(heap, process->pid))
			continue;
		target = heap__find(heap, process);
		if (!target)
			target = heap__add(heap, process);
		if (target)
			heap__look_at(heap, target, processes, process);
	}
	heap->has_followed = true;
}

void heap__expect(struct collector *heap, pid_t pid, const char *path)
{
	int fd = regular_file__open(path);
	uint32_t i;

	if (fd < 0)
		return;
	for (i = 0; i < heap->target_end; i++)
		if (heap->targets[i].state == HEAP_TARGET_LIVE &&
			heap->targets[i].pid == (uint32_t)pid)
			heap__probe_fd(heap, &heap->targets[i], fd, 0, path);
	close(fd);
}
