// SPDX-License-Identifier: GPL-2.0
/* The FDEs of a file in the order of their addresses: 8 bytes each. */
#include <errno.h>
#include <stdlib.h>

#include "unwind/fde_list.h"

/* A radix sort from the low digit on: each pass is stable, takes linear time and can wait for its
 * turn, where one qsort of a big file would hold the event loop for 20 ms. The low half needs no
 * pass: FDEs of one section are added in the order of their offsets. */
#define DIGIT_BITS 11
#define DIGIT_CNT  (1u << DIGIT_BITS)
#define PASSES     3
#define LOW_BITS   32

void fde_list__open(struct fde_list *list, uint32_t max)
{
	*list = (struct fde_list){.max = max, .is_sorted = true};
}

void fde_list__close(struct fde_list *list)
{
	free(list->keys);
	free(list->scratch);
	*list = (struct fde_list){0};
}

static int grow(struct fde_list *list)
{
	uint32_t room = list->room ? 2 * list->room : 512;
	uint64_t *grown;

	if (list->cnt < list->room)
		return 0;
	grown = realloc(list->keys, room * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	list->keys = grown;
	list->room = room;
	return 0;
}

int fde_list__add(struct fde_list *list, uint32_t begin, bool is_debug_frame, uint32_t offset)
{
	uint64_t key = (uint64_t)begin << LOW_BITS | (uint64_t)is_debug_frame << 31 | offset;

	if (list->cnt >= list->max)
		return -E2BIG;
	if (grow(list))
		return -ENOMEM;
	if (list->cnt && fde_key__begin(list->keys[list->cnt - 1]) > begin)
		list->is_sorted = false;
	list->keys[list->cnt++] = key;
	return 0;
}

static unsigned int digit(uint64_t key, unsigned int pass)
{
	return key >> (LOW_BITS + pass * DIGIT_BITS) & (DIGIT_CNT - 1);
}

static void sort_pass(struct fde_list *list)
{
	uint32_t starts[DIGIT_CNT] = {0}, cnt, sum = 0;
	uint64_t *swap = list->keys;

	for (uint32_t i = 0; i < list->cnt; i++)
		starts[digit(list->keys[i], list->sorted_passes)]++;
	for (unsigned int i = 0; i < DIGIT_CNT; i++) {
		cnt = starts[i];
		starts[i] = sum;
		sum += cnt;
	}
	for (uint32_t i = 0; i < list->cnt; i++)
		list->scratch[starts[digit(list->keys[i], list->sorted_passes)]++] = list->keys[i];
	list->keys = list->scratch;
	list->scratch = swap;
	list->sorted_passes++;
}

int fde_list__sort_step(struct fde_list *list)
{
	if (list->is_sorted)
		return 0;
	if (!list->scratch) {
		list->scratch = malloc(list->cnt * sizeof(*list->scratch));
		if (!list->scratch)
			return -ENOMEM;
		list->room = list->cnt;
	}
	sort_pass(list);
	if (list->sorted_passes < PASSES)
		return 1;
	free(list->scratch);
	list->scratch = NULL;
	list->is_sorted = true;
	return 0;
}

bool fde_list__is_duplicate(const struct fde_list *list, uint32_t index)
{
	return index && fde_key__begin(list->keys[index - 1]) == fde_key__begin(list->keys[index]);
}

bool fde_list__next_begin(const struct fde_list *list, uint32_t index, uint32_t *ret_begin)
{
	uint64_t key = list->keys[index], next;

	for (uint32_t i = index + 1; i < list->cnt; i++) {
		next = list->keys[i];
		if (fde_key__begin(next) != fde_key__begin(key) &&
			(fde_key__is_debug_frame(key) || !fde_key__is_debug_frame(next))) {
			*ret_begin = fde_key__begin(next);
			return true;
		}
	}
	return false;
}
