// SPDX-License-Identifier: GPL-2.0
/* What was probed where: told once each time, and kept for --stats. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collect/heap_private.h"

#define ATTACHED_MAX 256 /* lines; processes of one program have one each */

/* "malloc+0 free+9 mi_malloc+0(slow) ..." */
static void allocator__print(const struct allocator *allocator, char *ret, size_t size)
{
	size_t len = 0;
	uint32_t i;

	ret[0] = '\0';
	for (i = 0; i < allocator->cnt && len < size - ALLOCATOR_NAME_BYTES_MAX - 20; i++)
		len += (size_t)snprintf(ret + len, size - len, "%s%s+%u%s", i ? " " : "",
			allocator->functions[i].name, allocator->functions[i].site,
			allocator->functions[i].is_emulated ? "" : "(slow)");
	if (i < allocator->cnt)
		snprintf(ret + len, size - len, " ...");
}

/* "otel_memory:alloc (2 places) otel_memory:free (1 place)" */
static void usdt__print(const struct heap_usdt *usdt, char *ret, size_t size)
{
	uint32_t frees = usdt->cnt - usdt->alloc_cnt;

	snprintf(ret, size,
		"otel_memory:alloc (%u) otel_memory:free (%u)%s, at the process's own rate",
		usdt->alloc_cnt, frees,
		usdt->refused_cnt ? " and some that are not understood" : "");
}

static void attached__keep(struct collector *heap, const char *text)
{
	char **grown;

	if (heap->attached_cnt < ATTACHED_MAX) {
		grown = reallocarray(
			heap->attached, heap->attached_cnt + 1, sizeof(*heap->attached));
		if (grown) {
			heap->attached = grown;
			grown[heap->attached_cnt] = strdup(text);
			heap->attached_cnt += grown[heap->attached_cnt] != NULL;
			return;
		}
	}
	heap->attached_more_cnt++;
}

void heap__tell_probed(struct collector *heap, const struct heap_target *target,
	const struct heap_file *file, const char *path)
{
	char text[HEAP_NOTE_BYTES_MAX], names[HEAP_NOTE_BYTES_MAX - 128];

	if (target->is_usdt)
		usdt__print(file->usdt, names, sizeof(names));
	else
		allocator__print(file->allocator, names, sizeof(names));
	snprintf(text, sizeof(text), "pid %u: %.*s: by %s: %s", target->pid,
		(int)(sizeof(text) - sizeof(names)) - 64, path,
		uprobe_kind_names[heap->programs.kind], names);
	heap__note(heap, target->is_usdt ? HEAP_NOTE_INFO : HEAP_NOTE_DEBUG, "heap: %s%s", text,
		target->is_usdt ? "; --heap-rate 1 sees every allocation" : "");
	attached__keep(heap, text);
}

const char *heap__attached(const struct collector *heap, uint32_t index)
{
	return index < heap->attached_cnt ? heap->attached[index] : NULL;
}

uint32_t heap__attached_more_cnt(const struct collector *heap)
{
	return heap->attached_more_cnt;
}

void heap__free_attached(struct collector *heap)
{
	uint32_t i;

	for (i = 0; i < heap->attached_cnt; i++)
		free(heap->attached[i]);
	free(heap->attached);
}
