// SPDX-License-Identifier: GPL-2.0
/*
 * The stacks of all profiles by hash, each kept once: one after the other in address space that is reserved for as many as
 * the caps let in, and an open-addressing index into it. A stack costs its frames and some 30 bytes, is never moved but by a
 * sweep, and what a sweep frees goes back to the system.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "profile/profile.h"

#define SLOTS_MIN  128u
#define PAGE_BYTES 4096u
#define UNIT       sizeof(uint64_t)

/* The hash is the kernel half's, seeded anew in each run: its bits are as good as random to whoever makes stacks. */
struct stack_slot {
	uint32_t
		tag; /* the upper half of the hash; the lower half is where the slot is looked for */
	uint32_t at; /* 1 + offset in units; 0: free */
};

struct stack_table {
	unsigned char *memory;
	size_t reserved_bytes, used_bytes;
	struct stack_slot *slots; /* linear probing, at most three quarters full */
	size_t slot_cnt;          /* a power of two, or 0 */
	size_t cnt;
	struct profile_limits limits;
	size_t frame_bytes;
	uint64_t dropped_cnt;
	uint8_t age;
};

static struct stack *stack_at(const struct stack_table *table, size_t offset)
{
	return (struct stack *)(table->memory + offset);
}

static size_t frames_of(const struct stack *stack)
{
	return ((size_t)stack->kernel_cnt + stack->user_cnt) * sizeof(stack->frames[0]);
}

/* The slot of the stack, or the free one where it belongs. slot_cnt > 0. */
static struct stack_slot *find_slot(const struct stack_table *table, uint64_t hash)
{
	size_t i = hash & (table->slot_cnt - 1);

	for (;; i = (i + 1) & (table->slot_cnt - 1)) {
		struct stack_slot *slot = &table->slots[i];

		if (!slot->at || (slot->tag == hash >> 32 &&
					 stack_at(table, (slot->at - 1) * UNIT)->hash == hash))
			return slot;
	}
}

static struct stack *find_stack(const struct stack_table *table, uint64_t hash)
{
	const struct stack_slot *slot = table->slot_cnt ? find_slot(table, hash) : NULL;

	return slot && slot->at ? stack_at(table, (slot->at - 1) * UNIT) : NULL;
}

static void index_stack(struct stack_table *table, uint64_t hash, size_t offset)
{
	struct stack_slot *slot = find_slot(table, hash);

	slot->tag = (uint32_t)(hash >> 32);
	slot->at = (uint32_t)(offset / UNIT + 1);
}

/* The slots are free. */
static void index_all(struct stack_table *table)
{
	size_t offset;

	for (offset = 0; offset < table->used_bytes;) {
		const struct stack *stack = stack_at(table, offset);

		index_stack(table, stack->hash, offset);
		offset += sizeof(*stack) + frames_of(stack);
	}
}

/* Indexes all that there is anew, with slot_cnt slots. */
static int build_index(struct stack_table *table, size_t slot_cnt)
{
	struct stack_slot *slots = calloc(slot_cnt, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	free(table->slots);
	table->slots = slots;
	table->slot_cnt = slot_cnt;
	index_all(table);
	return 0;
}

struct stack_table *stack_table__new(const struct profile_limits *limits)
{
	struct stack_table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	if (limits)
		table->limits = *limits;
	if (!table->limits.stacks_max)
		table->limits.stacks_max = PROFILE_STACKS_MAX;
	if (!table->limits.bytes_max)
		table->limits.bytes_max = PROFILE_STACK_BYTES_MAX;
	table->reserved_bytes = table->limits.stacks_max * sizeof(struct stack) +
				table->limits.bytes_max;
	table->memory = mmap(NULL, table->reserved_bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (table->memory == MAP_FAILED) {
		free(table);
		return NULL;
	}
	return table;
}

void stack_table__free(struct stack_table *table)
{
	if (!table)
		return;
	munmap(table->memory, table->reserved_bytes);
	free(table->slots);
	free(table);
}

/* Of the caps, or of the address space that was reserved for earlier ones. */
static bool has_room(const struct stack_table *table, size_t frame_bytes)
{
	return table->cnt < table->limits.stacks_max &&
	       table->frame_bytes + frame_bytes <= table->limits.bytes_max &&
	       sizeof(struct stack) + frame_bytes <= table->reserved_bytes - table->used_bytes;
}

int stack_table__add(struct stack_table *table, const struct stack *stack)
{
	size_t frame_cnt = (size_t)stack->kernel_cnt + stack->user_cnt;
	size_t frame_bytes = frames_of(stack), slot_cnt = table->slot_cnt;
	struct stack *found;

	if (!stack->hash || frame_cnt > KERNEL_FRAMES_MAX + STACK_FRAMES_MAX)
		return -EINVAL;
	found = find_stack(table, stack->hash);
	if (found) {
		found->age = table->age;
		return -EEXIST;
	}
	if (!has_room(table, frame_bytes)) {
		table->dropped_cnt++;
		return -ENOSPC;
	}
	if (table->cnt >= slot_cnt / 4 * 3 &&
		build_index(table, slot_cnt ? 2 * slot_cnt : SLOTS_MIN))
		return -ENOMEM;
	found = stack_at(table, table->used_bytes);
	memcpy(found, stack, sizeof(*stack) + frame_bytes);
	found->age = table->age;
	index_stack(table, stack->hash, table->used_bytes);
	table->used_bytes += sizeof(*stack) + frame_bytes;
	table->frame_bytes += frame_bytes;
	table->cnt++;
	return 0;
}

const struct stack *stack_table__find(const struct stack_table *table, uint64_t hash)
{
	return find_stack(table, hash);
}

size_t stack_table__cnt(const struct stack_table *table)
{
	return table->cnt;
}

void stack_table__set_limits(struct stack_table *table, const struct profile_limits *limits)
{
	table->limits = *limits;
}

uint64_t stack_table__dropped_cnt(const struct stack_table *table)
{
	return table->dropped_cnt;
}

bool stack_table__is_filling(const struct stack_table *table)
{
	return table->cnt > table->limits.stacks_max / 4 * 3 ||
	       table->frame_bytes > table->limits.bytes_max / 4 * 3;
}

void stack_table__age(struct stack_table *table)
{
	table->age++;
}

void stack_table__mark(struct stack_table *table, uint64_t hash)
{
	struct stack *stack = find_stack(table, hash);

	if (stack)
		stack->age = table->age;
}

/* What is kept closes up. */
static void close_up(struct stack_table *table)
{
	size_t offset, kept = 0, bytes, first_free;

	for (offset = 0; offset < table->used_bytes; offset += bytes) {
		const struct stack *stack = stack_at(table, offset);

		bytes = sizeof(*stack) + frames_of(stack);
		if (stack->age != table->age) {
			table->frame_bytes -= frames_of(stack);
			table->cnt--;
			continue;
		}
		if (kept != offset)
			memmove(stack_at(table, kept), stack, bytes);
		kept += bytes;
	}
	first_free = (kept + PAGE_BYTES - 1) & ~(size_t)(PAGE_BYTES - 1);
	if (first_free < table->used_bytes)
		madvise(table->memory + first_free, table->used_bytes - first_free, MADV_DONTNEED);
	table->used_bytes = kept;
}

void stack_table__sweep(struct stack_table *table)
{
	size_t slot_cnt = SLOTS_MIN, before = table->cnt;

	close_up(table);
	if (table->cnt == before)
		return;
	while (table->cnt >= slot_cnt / 4 * 3)
		slot_cnt *= 2;
	if (!build_index(table, slot_cnt))
		return;
	/* no memory for a smaller one: the old one fits */
	memset(table->slots, 0, table->slot_cnt * sizeof(*table->slots));
	index_all(table);
}
