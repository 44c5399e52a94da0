// SPDX-License-Identifier: GPL-2.0
/* The stacks of all profiles by hash, each kept once. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "profile/profile.h"

struct stack_entry {
	UT_hash_handle hh;
	uint32_t age;       /* stack_table.age when it was added or marked last */
	struct stack stack; /* its frames follow */
};

struct stack_table {
	struct stack_entry *entries;
	struct profile_limits limits;
	size_t frame_bytes;
	uint64_t dropped_cnt;
	uint32_t age;
};

static struct stack_entry *find_entry(const struct stack_table *table, uint64_t hash)
{
	struct stack_entry *entry;

	HASH_FIND(hh, table->entries, &hash, sizeof(hash), entry);
	return entry;
}

static size_t frames_of(const struct stack *stack)
{
	return ((size_t)stack->kernel_cnt + stack->user_cnt) * sizeof(stack->frames[0]);
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
	return table;
}

void stack_table__free(struct stack_table *table)
{
	struct stack_entry *entry, *next;

	if (!table)
		return;
	HASH_ITER (hh, table->entries, entry, next) {
		HASH_DEL(table->entries, entry);
		free(entry);
	}
	free(table);
}

int stack_table__add(struct stack_table *table, const struct stack *stack)
{
	size_t frame_cnt = (size_t)stack->kernel_cnt + stack->user_cnt;
	size_t frame_bytes = frames_of(stack);
	struct stack_entry *entry;

	if (!stack->hash || frame_cnt > KERNEL_FRAMES_MAX + STACK_FRAMES_MAX)
		return -EINVAL;
	entry = find_entry(table, stack->hash);
	if (entry) {
		entry->age = table->age;
		return -EEXIST;
	}
	if (HASH_COUNT(table->entries) >= table->limits.stacks_max ||
		table->frame_bytes + frame_bytes > table->limits.bytes_max) {
		table->dropped_cnt++;
		return -ENOSPC;
	}
	entry = malloc(sizeof(*entry) + frame_bytes);
	if (!entry)
		return -ENOMEM;
	memcpy(&entry->stack, stack, sizeof(*stack) + frame_bytes);
	entry->age = table->age;
	HASH_ADD(hh, table->entries, stack.hash, sizeof(entry->stack.hash), entry);
	if (!entry->hh.tbl) {
		free(entry);
		return -ENOMEM;
	}
	table->frame_bytes += frame_bytes;
	return 0;
}

const struct stack *stack_table__find(const struct stack_table *table, uint64_t hash)
{
	struct stack_entry *entry = find_entry(table, hash);

	return entry ? &entry->stack : NULL;
}

size_t stack_table__cnt(const struct stack_table *table)
{
	return HASH_COUNT(table->entries);
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
	return HASH_COUNT(table->entries) > table->limits.stacks_max / 4 * 3 ||
	       table->frame_bytes > table->limits.bytes_max / 4 * 3;
}

void stack_table__age(struct stack_table *table)
{
	table->age++;
}

void stack_table__mark(struct stack_table *table, uint64_t hash)
{
	struct stack_entry *entry = find_entry(table, hash);

	if (entry)
		entry->age = table->age;
}

void stack_table__sweep(struct stack_table *table)
{
	struct stack_entry *entry, *next;

	HASH_ITER (hh, table->entries, entry, next) {
		if (entry->age == table->age)
			continue;
		HASH_DEL(table->entries, entry);
		table->frame_bytes -= frames_of(&entry->stack);
		free(entry);
	}
}
