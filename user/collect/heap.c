// SPDX-License-Identifier: GPL-2.0
/* The heap profile: probes on the allocators of the processes asked for, samples by allocation site. */
#include "collect/heap.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "collect/collector.h"
#include "collect/shared.h"
#include "collect/heap_private.h"
#include "heap.skel.h"

#define PAGE_BYTES 4096ul
/* At fine rates nearly every object is sampled; at the default one 131,072 objects stand for 64 GiB. */
#define RATE_FINE_MAX      4096
#define BUCKETS_FINE       (1u << 17) /* 16 MiB */
#define BUCKETS_COARSE     (1u << 14)
#define SITES_FINE         (1u << 14) /* 2 MiB */
#define SITES_COARSE       (1u << 12)
#define MAP_NAME_LIVE      0
#define MAP_NAME_SITES     1
#define MAP_NAME_PROCESSES 2

void heap__note(struct collector *heap, enum heap_note_level level, const char *format, ...)
{
	struct heap_note *note;
	va_list args;

	if (heap->note_cnt == HEAP_NOTES_MAX)
		return;
	note = &heap->notes[(heap->note_first + heap->note_cnt++) % HEAP_NOTES_MAX];
	note->level = level;
	va_start(args, format);
	vsnprintf(note->text, sizeof(note->text), format, args);
	va_end(args);
}

bool heap__take_note(
	struct collector *heap, enum heap_note_level *ret_level, char ret[HEAP_NOTE_BYTES_MAX])
{
	const struct heap_note *note = &heap->notes[heap->note_first];

	if (!heap->note_cnt)
		return false;
	*ret_level = note->level;
	memcpy(ret, note->text, HEAP_NOTE_BYTES_MAX);
	heap->note_first = (heap->note_first + 1) % HEAP_NOTES_MAX;
	heap->note_cnt--;
	return true;
}

static void heap__unprobe(struct collector *heap)
{
	uint32_t i;

	for (i = 0; i < heap->target_end; i++)
		heap_target__unprobe(&heap->targets[i]);
}

static void heap__stop(struct collector *heap)
{
	heap__unprobe(heap);
}

static void heap__close(struct collector *heap)
{
	int i;

	if (!heap)
		return;
	if (heap->targets)
		heap__unprobe(heap);
	for (i = 0; i < 3; i++)
		if (heap->memory[i])
			munmap(heap->memory[i], heap->memory_bytes[i]);
	if (heap->bpf)
		shared__remove(heap->shared, heap->bpf->obj);
	heap_bpf__destroy(heap->bpf);
	heap_tables__destroy(&heap->tables);
	heap_files__free(heap->files);
	free(heap->usdts);
	free(heap->targets);
	free(heap->hits);
	free(heap->wanted);
	free(heap->file_ids);
	heap__free_attached(heap);
	free(heap);
}

static uint32_t power_of_two_below(uint32_t value)
{
	return value ? 1u << (31 - __builtin_clz(value)) : 1;
}

static void heap__set_options(struct collector *heap)
{
	const struct shared_sizes *sizes = shared__sizes(heap->shared);
	uint64_t rate = shared__options(heap->shared)->heap_rate_bytes;
	/* rodata is ours to fill before the load */
	struct heap_options *options = (struct heap_options *)&heap->bpf->rodata->heap_options;
	int i;

	heap->tables.bucket_cnt = rate < RATE_FINE_MAX ? BUCKETS_FINE : BUCKETS_COARSE;
	heap->tables.site_cnt = rate < RATE_FINE_MAX ? SITES_FINE : SITES_COARSE;
	if (sizes->heap_objects_max)
		heap->tables.bucket_cnt = power_of_two_below(
			sizes->heap_objects_max < HEAP_WAYS ? 1
							    : sizes->heap_objects_max / HEAP_WAYS);
	if (sizes->heap_sites_max)
		heap->tables.site_cnt = power_of_two_below(sizes->heap_sites_max);
	heap->guard.thin = sizes->heap_thin & HEAP_THIN_MAX;
	options->rate_bytes = rate;
	options->bucket_mask = heap->tables.bucket_cnt - 1;
	options->site_mask = heap->tables.site_cnt - 1;
	options->page_bytes = (uint32_t)sysconf(_SC_PAGESIZE);
	for (i = 0; i <= HEAP_LOG2_STEPS; i++)
		options->log2_q20[i] = (uint32_t)lround(
			log2(1 + (double)i / HEAP_LOG2_STEPS) * (1 << 20));
	for (i = 0; i <= HEAP_WEIGHT_STEPS; i++) {
		double x = (double)i / (1 << HEAP_WEIGHT_SHIFT);

		options->weight_q16[i] = (uint32_t)lround((i ? x / -expm1(-x) : 1) * (1 << 16));
	}
}

static int heap__map(struct collector *heap, int index, const struct bpf_map *map, uint32_t cnt,
	size_t value_bytes, void **ret)
{
	size_t bytes = (cnt * value_bytes + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	if (memory == MAP_FAILED)
		return -errno;
	heap->memory[index] = memory;
	heap->memory_bytes[index] = bytes;
	*ret = memory;
	return 0;
}

static int heap__map_tables(struct collector *heap)
{
	struct heap_tables *tables = &heap->tables;
	int err = heap__map(heap, MAP_NAME_LIVE, heap->bpf->maps.heap_live, tables->bucket_cnt,
		sizeof(*tables->buckets), (void **)&tables->buckets);

	if (!err)
		err = heap__map(heap, MAP_NAME_SITES, heap->bpf->maps.heap_sites, tables->site_cnt,
			sizeof(*tables->sites), (void **)&tables->sites);
	if (!err)
		err = heap__map(heap, MAP_NAME_PROCESSES, heap->bpf->maps.heap_processes,
			HEAP_PROCESSES_MAX, sizeof(*tables->processes),
			(void **)&tables->processes);
	return err ? err : heap_tables__init(tables);
}

static void program__use(struct bpf_program *program, bool is_used, int attach_type)
{
	bpf_program__set_autoload(program, is_used);
	if (attach_type)
		bpf_program__set_expected_attach_type(program, (enum bpf_attach_type)attach_type);
}

static int heap__load(struct collector *heap, const char **ret_reason)
{
	struct heap_programs *programs = &heap->programs;
	bool has_session;
	int multi, err;

	*ret_reason = "cannot open the heap programs";
	heap->bpf = heap_bpf__open();
	if (!heap->bpf)
		return -errno;
	programs->kind = uprobe_kind__detect();
	if (shared__sizes(heap->shared)->uprobe_kind > programs->kind)
		programs->kind = shared__sizes(heap->shared)->uprobe_kind;
	has_session = programs->kind == UPROBE_SESSION;
	multi = programs->kind == UPROBE_PERF ? 0 : UPROBE_ATTACH_MULTI;
	programs->session = heap->bpf->progs.heap_session;
	programs->enter = heap->bpf->progs.heap_enter;
	programs->leave = heap->bpf->progs.heap_return;
	programs->free = heap->bpf->progs.heap_free;
	programs->usdt_alloc = heap->bpf->progs.heap_usdt_alloc;
	programs->usdt_free = heap->bpf->progs.heap_usdt_free;
	program__use(programs->session, has_session, UPROBE_ATTACH_SESSION);
	program__use(programs->enter, !has_session, multi);
	program__use(programs->leave, !has_session, multi);
	program__use(programs->free, true, multi);
	program__use(programs->usdt_alloc, true, multi);
	program__use(programs->usdt_free, true, multi);
	heap__set_options(heap);
	bpf_map__set_max_entries(heap->bpf->maps.heap_live, heap->tables.bucket_cnt);
	bpf_map__set_max_entries(heap->bpf->maps.heap_sites, heap->tables.site_cnt);
	*ret_reason = "cannot load the heap programs";
	err = shared__load(heap->shared, heap->bpf->skeleton);
	if (err)
		return err;
	if (heap->usdts)
		heap->usdts->map_fd = bpf_map__fd(heap->bpf->maps.heap_usdts);
	*ret_reason = "cannot map the heap tables";
	return heap__map_tables(heap);
}

static int heap__open(struct shared *shared, struct collector **ret, const char **ret_reason)
{
	struct collector *heap = calloc(1, sizeof(*heap));
	int err = -ENOMEM;

	*ret_reason = "out of memory";
	if (!heap)
		return -ENOMEM;
	heap->shared = shared;
	heap->targets = calloc(HEAP_PROCESSES_MAX, sizeof(*heap->targets));
	/* At rate 1 every allocation is asked for, and not those that a process picks. */
	if (shared__options(shared)->heap_rate_bytes > 1)
		heap->usdts = calloc(1, sizeof(*heap->usdts));
	heap->files = heap_files__new(heap->usdts);
	heap->hits = calloc(shared__options(shared)->cpu_cnt, sizeof(*heap->hits));
	if (heap->targets && heap->files && heap->hits)
		err = heap__load(heap, ret_reason);
	if (!err)
		*ret = heap;
	else
		heap__close(heap);
	return err;
}

static int64_t heap__period(const struct collector *heap)
{
	return (int64_t)shared__options(heap->shared)->heap_rate_bytes;
}

/* Probes are put by heap__follow(), in the processes that there are. */
static int heap__start(struct collector *heap, const char **ret_reason)
{
	(void)heap, (void)ret_reason;
	return 0;
}

static bool heap__lost_key(uint32_t process, struct sample_key *ret, void *arg)
{
	const struct collector *heap = arg;
	const struct heap_target *target = &heap->targets[process];

	if (target->state == HEAP_TARGET_FREE)
		return false;
	ret->pid = target->pid;
	ret->start_ns = target->start_ns;
	memcpy(ret->comm, target->comm, sizeof(ret->comm));
	return true;
}

/* Makes the places of ended processes free, when their last figures are drained. */
static void heap__forget_ended(struct collector *heap, const struct heap_sums *sums)
{
	bool gone[HEAP_PROCESSES_MAX] = {0}, any = false;
	uint32_t i;

	for (i = 0; i < heap->target_end; i++) {
		if (heap->targets[i].state != HEAP_TARGET_ENDED)
			continue;
		heap__keep_ended(heap, &heap->targets[i], &sums[i]);
		gone[i] = any = true;
	}
	if (!any)
		return;
	heap_tables__forget(&heap->tables, gone);
	for (i = 0; i < heap->target_end; i++)
		if (gone[i])
			heap->targets[i] = (struct heap_target){0};
	while (heap->target_end && heap->targets[heap->target_end - 1].state == HEAP_TARGET_FREE)
		heap->target_end--;
}

/* The sums grow for ever and are of no epoch: parity does not matter. */
static int heap__drain(struct collector *heap, int parity, collector_sample_fn fn, void *arg)
{
	struct heap_sums *sums = calloc(HEAP_PROCESSES_MAX, sizeof(*sums));
	int err;

	(void)parity;
	if (!sums)
		return -ENOMEM;
	err = heap_tables__drain(&heap->tables, heap__lost_key, heap, fn, arg);
	heap_tables__sum(&heap->tables, sums);
	heap__update_peak(heap, sums);
	heap__watch_room(heap);
	if (!err)
		heap__forget_ended(heap, sums);
	free(sums);
	return err;
}

const struct collector_ops collector_heap = {
	.name = "heap",
	.open = heap__open,
	.period = heap__period,
	.follow = heap__follow,
	.start = heap__start,
	.stop = heap__stop,
	.drain = heap__drain,
	.close = heap__close,
};
