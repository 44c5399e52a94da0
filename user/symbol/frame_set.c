// SPDX-License-Identifier: GPL-2.0
/* Collects the distinct frames of a profile's samples in a hash set, then sorts them. */
#include "symbol/frame_set.h"

#include <errno.h>
#include <stdlib.h>

#include "bpfprof.h"
#include "profile/profile.h"

struct frame_set {
	struct symbol_location *slots; /* frame 0: free; no frame is 0 */
	size_t cnt;
	size_t slot_cnt; /* a power of two */
	const struct profile *profile;
};

int symbol_location__compare(const struct symbol_location *a, const struct symbol_location *b)
{
	if (a->frame != b->frame)
		return a->frame < b->frame ? -1 : 1;
	if (a->pid != b->pid)
		return a->pid < b->pid ? -1 : 1;
	return a->start_ns < b->start_ns ? -1 : a->start_ns > b->start_ns;
}

static int compare(const void *a, const void *b)
{
	return symbol_location__compare(a, b);
}

static uint64_t frame_address(uint64_t frame)
{
	if (frame & FRAME_FILE)
		return frame & FRAME_ADDR_MASK;
	if (frame & FRAME_KERNEL)
		return frame | 1ull << 63;
	return frame;
}

/* splitmix64's finaliser. */
static size_t hash_location(const struct symbol_location *location)
{
	uint64_t x = location->frame ^ (uint64_t)location->pid << 32 ^ location->start_ns;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

static void insert(struct frame_set *set, const struct symbol_location *location)
{
	size_t i = hash_location(location) & (set->slot_cnt - 1);

	while (set->slots[i].frame && symbol_location__compare(&set->slots[i], location) != 0)
		i = (i + 1) & (set->slot_cnt - 1);
	set->cnt += set->slots[i].frame == 0;
	set->slots[i] = *location;
}

static int grow(struct frame_set *set)
{
	struct frame_set bigger = {.slot_cnt = set->slot_cnt * 2};

	bigger.slots = calloc(bigger.slot_cnt, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -ENOMEM;
	for (size_t i = 0; i < set->slot_cnt; i++)
		if (set->slots[i].frame)
			insert(&bigger, &set->slots[i]);
	free(set->slots);
	set->slots = bigger.slots;
	set->slot_cnt = bigger.slot_cnt;
	return 0;
}

static int add_stack(struct frame_set *set, const struct sample *sample, uint64_t hash)
{
	const struct stack *stack = stack_table__find(set->profile->stacks, hash);

	if (!stack)
		return 0;
	for (unsigned int i = 0; i < stack->kernel_cnt + stack->user_cnt; i++) {
		struct symbol_location location = {
			.frame = stack->frames[i],
			.address = frame_address(stack->frames[i]),
			.mapping = UINT32_MAX,
		};

		if (location.frame == 0)
			continue;
		if (!(location.frame & (FRAME_FILE | FRAME_KERNEL))) {
			location.pid = sample->key.pid;
			location.start_ns = sample->key.start_ns;
		}
		if (set->cnt * 4 >= set->slot_cnt * 3 && grow(set))
			return -ENOMEM;
		insert(set, &location);
	}
	return 0;
}

static int add_sample(const struct sample *sample, void *arg)
{
	struct frame_set *set = arg;
	int err = add_stack(set, sample, sample->key.stack);

	/* Its label is the name of one of the waiter's functions. */
	if (!err && set->profile->kind == &profile_kind_mutex)
		err = add_stack(set, sample, sample->key.peer.stack);
	return err;
}

int frame_set__collect(const struct profile *profile, struct symbol_location **ret, size_t *ret_cnt)
{
	struct frame_set set = {.slot_cnt = 1024, .profile = profile};
	size_t cnt = 0;
	int err;

	set.slots = calloc(set.slot_cnt, sizeof(*set.slots));
	if (!set.slots)
		return -ENOMEM;
	err = profile__each(profile, add_sample, &set);
	if (err) {
		free(set.slots);
		return err;
	}
	for (size_t i = 0; i < set.slot_cnt; i++)
		if (set.slots[i].frame)
			set.slots[cnt++] = set.slots[i];
	qsort(set.slots, cnt, sizeof(*set.slots), compare);
	*ret = set.slots;
	*ret_cnt = cnt;
	return 0;
}
