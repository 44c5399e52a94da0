// SPDX-License-Identifier: GPL-2.0
/* The heap's figures of a process, and of all together. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "collect/heap_private.h"
#include "collect/shared.h"
#include "heap.skel.h"

static void figures__set_sums(struct heap_figures *figures, const struct heap_sums *sums)
{
	const uint64_t *values = sums->values;

	figures->in_use_bytes = (int64_t)(values[HEAP_ALLOC_BYTES] - values[HEAP_FREE_BYTES]);
	figures->in_use_objects = (int64_t)(values[HEAP_ALLOC_OBJECTS] -
					    values[HEAP_FREE_OBJECTS]) >>
				  HEAP_OBJECT_SHIFT;
}

void heap__read_hits(struct collector *heap, uint32_t index, struct heap_figures *figures)
{
	const struct heap_process *process = &heap->tables.processes[index];
	uint32_t cpu;

	figures->alloc_cnt += process->usdt_allocs >> HEAP_OBJECT_SHIFT;
	figures->free_cnt += process->usdt_frees >> HEAP_OBJECT_SHIFT;
	figures->alloc_bytes += process->usdt_bytes;
	if (bpf_map_lookup_elem(bpf_map__fd(heap->bpf->maps.heap_hits), &index, heap->hits))
		return;
	for (cpu = 0; cpu < shared__options(heap->shared)->cpu_cnt; cpu++) {
		const struct heap_hits *hits = &heap->hits[cpu];

		figures->alloc_cnt += hits->allocs;
		figures->free_cnt += hits->frees;
		figures->alloc_bytes += hits->bytes;
		figures->alloc_hit_cnt += hits->allocs + hits->usdt_allocs;
		figures->free_hit_cnt += hits->frees + hits->usdt_frees;
	}
}

static void heap__clear_hits(struct collector *heap, uint32_t index)
{
	memset(heap->hits, 0, shared__options(heap->shared)->cpu_cnt * sizeof(*heap->hits));
	bpf_map_update_elem(bpf_map__fd(heap->bpf->maps.heap_hits), &index, heap->hits, BPF_ANY);
}

static void figures__add(struct heap_figures *sum, const struct heap_figures *figures)
{
	sum->alloc_cnt += figures->alloc_cnt;
	sum->free_cnt += figures->free_cnt;
	sum->alloc_bytes += figures->alloc_bytes;
	sum->alloc_hit_cnt += figures->alloc_hit_cnt;
	sum->free_hit_cnt += figures->free_hit_cnt;
	sum->in_use_bytes += figures->in_use_bytes;
	sum->in_use_objects += figures->in_use_objects;
}

void heap__keep_ended(
	struct collector *heap, const struct heap_target *target, const struct heap_sums *sums)
{
	struct heap_figures figures = {0};

	figures__set_sums(&figures, sums);
	heap__read_hits(heap, target->index, &figures);
	heap__clear_hits(heap, target->index);
	figures__add(&heap->ended, &figures);
}

/* The sum's peak is known at the drains; one process's at each sample. */
void heap__update_peak(struct collector *heap, const struct heap_sums *sums)
{
	struct heap_figures total = heap->ended, figures;
	int64_t single_peak = 0;
	uint32_t i;

	for (i = 0; i < heap->target_end; i++) {
		if (heap->targets[i].state == HEAP_TARGET_FREE)
			continue;
		figures = (struct heap_figures){0};
		figures__set_sums(&figures, &sums[i]);
		figures__add(&total, &figures);
		if (heap->tables.processes[i].peak_bytes > single_peak)
			single_peak = heap->tables.processes[i].peak_bytes;
	}
	if (total.in_use_bytes > heap->peak_bytes)
		heap->peak_bytes = total.in_use_bytes;
	if (single_peak > heap->peak_bytes)
		heap->peak_bytes = single_peak;
}

static int64_t process__peak(struct heap_process *process, bool take)
{
	int64_t in_use = __atomic_load_n(&process->in_use_bytes, __ATOMIC_RELAXED);
	int64_t peak = take ? __atomic_exchange_n(&process->peak_bytes, in_use, __ATOMIC_RELAXED)
			    : __atomic_load_n(&process->peak_bytes, __ATOMIC_RELAXED);

	return peak > in_use ? peak : in_use;
}

bool heap__figures(struct collector *heap, size_t index, bool take_peak, struct heap_figures *ret)
{
	struct heap_sums *sums;
	uint32_t i;

	for (i = 0; i < heap->target_end; i++)
		if (heap->targets[i].state == HEAP_TARGET_LIVE && !index--)
			break;
	if (i == heap->target_end)
		return false;
	sums = calloc(HEAP_PROCESSES_MAX, sizeof(*sums));
	if (!sums)
		return false;
	heap_tables__sum(&heap->tables, sums);
	*ret = (struct heap_figures){
		.pid = heap->targets[i].pid, .start_ns = heap->targets[i].start_ns};
	memcpy(ret->comm, heap->targets[i].comm, sizeof(ret->comm));
	figures__set_sums(ret, &sums[i]);
	heap__read_hits(heap, i, ret);
	ret->peak_bytes = process__peak(&heap->tables.processes[i], take_peak);
	free(sums);
	return true;
}

void heap__total(struct collector *heap, struct heap_figures *ret)
{
	struct heap_sums *sums = calloc(HEAP_PROCESSES_MAX, sizeof(*sums));
	uint32_t i;

	*ret = heap->ended;
	if (!sums)
		return;
	heap_tables__sum(&heap->tables, sums);
	heap__update_peak(heap, sums);
	for (i = 0; i < heap->target_end; i++) {
		struct heap_figures figures = {0};

		if (heap->targets[i].state == HEAP_TARGET_FREE)
			continue;
		figures__set_sums(&figures, &sums[i]);
		heap__read_hits(heap, i, &figures);
		figures__add(ret, &figures);
	}
	ret->peak_bytes = heap->peak_bytes;
	free(sums);
}
