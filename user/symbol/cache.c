// SPDX-License-Identifier: GPL-2.0
/* Two generations of answers. What is used moves to the young one; when that holds half of the budget the old one goes,
 * with all of its memory: nearly the order of last use, without a list, and shared strings are kept once. */
#include "symbol/cache.h"

#include <stdlib.h>
#include <string.h>

#include "symbol/memory.h"

/* Debug files may be installed while the daemon runs: where there is no name, it is looked for again. */
#define UNNAMED_NS (600 * 1000000000ull)

struct answer {
	uint64_t frame; /* 0: the slot is free */
	uint64_t function_start;
	uint64_t expires_ns;
	const struct symbol_line *lines;
	uint32_t line_cnt;
	bool failed;
};

struct generation {
	struct symbol_memory *memory;
	struct answer *answers;
	size_t cnt;
	size_t slot_cnt; /* a power of two, or 0 */
};

struct symbol_cache {
	size_t bytes_max;
	struct generation young, old;
	struct symbol_cache_stats stats;
	struct symbol_mapping kernel; /* path NULL: none; its strings are constants */
};

static void generation__clear(struct generation *generation)
{
	symbol_memory__free(generation->memory);
	free(generation->answers);
	*generation = (struct generation){0};
}

static size_t generation__bytes(const struct generation *generation)
{
	return generation->slot_cnt * sizeof(*generation->answers) +
	       (generation->memory ? symbol_memory__bytes(generation->memory) : 0);
}

struct symbol_cache *symbol_cache__new(size_t bytes_max)
{
	struct symbol_cache *cache = calloc(1, sizeof(*cache));

	if (cache)
		cache->bytes_max = bytes_max;
	return cache;
}

void symbol_cache__free(struct symbol_cache *cache)
{
	if (!cache)
		return;
	generation__clear(&cache->young);
	generation__clear(&cache->old);
	free(cache);
}

void symbol_cache__clear(struct symbol_cache *cache)
{
	cache->stats.evicted_cnt += cache->young.cnt + cache->old.cnt;
	generation__clear(&cache->young);
	generation__clear(&cache->old);
}

void symbol_cache__stats(const struct symbol_cache *cache, struct symbol_cache_stats *ret)
{
	*ret = cache->stats;
	ret->bytes = generation__bytes(&cache->young) + generation__bytes(&cache->old);
}

/* splitmix64's finaliser. */
static size_t hash_frame(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

/* The frame's slot, or the free one where it belongs; NULL: there are no slots. */
static struct answer *generation__slot(const struct generation *generation, uint64_t frame)
{
	size_t i = hash_frame(frame) & (generation->slot_cnt - 1);

	if (!generation->slot_cnt)
		return NULL;
	while (generation->answers[i].frame && generation->answers[i].frame != frame)
		i = (i + 1) & (generation->slot_cnt - 1);
	return &generation->answers[i];
}

static bool generation__grow(struct generation *generation)
{
	struct generation bigger = *generation;

	bigger.slot_cnt = generation->slot_cnt ? 2 * generation->slot_cnt : 1024;
	bigger.answers = calloc(bigger.slot_cnt, sizeof(*bigger.answers));
	if (!bigger.answers)
		return false;
	for (size_t i = 0; i < generation->slot_cnt; i++)
		if (generation->answers[i].frame)
			*generation__slot(
				&bigger, generation->answers[i].frame) = generation->answers[i];
	free(generation->answers);
	*generation = bigger;
	return true;
}

static bool copy_text(struct symbol_memory *memory, const char *text, const char **ret)
{
	*ret = text ? symbol_memory__intern(memory, text, strlen(text)) : NULL;
	return !text || *ret;
}

/* NULL: no lines, or out of memory. */
static const struct symbol_line *copy_lines(
	struct symbol_memory *memory, const struct symbol_line *lines, uint32_t cnt)
{
	struct symbol_line *copies = cnt ? symbol_memory__alloc(memory, cnt * sizeof(*lines))
					 : NULL;

	if (!copies)
		return NULL;
	for (uint32_t i = 0; i < cnt; i++) {
		copies[i] = lines[i];
		if (!copy_text(memory, lines[i].function, &copies[i].function) ||
			!copy_text(memory, lines[i].system_name, &copies[i].system_name) ||
			!copy_text(memory, lines[i].file, &copies[i].file))
			return NULL;
	}
	return copies;
}

/* Room for one more answer in the young generation. */
static bool make_room(struct symbol_cache *cache)
{
	struct generation *young = &cache->young;

	if (generation__bytes(young) >= cache->bytes_max / 2 && young->cnt) {
		cache->stats.evicted_cnt += cache->old.cnt;
		generation__clear(&cache->old);
		cache->old = *young;
		*young = (struct generation){0};
	}
	if (!young->memory)
		young->memory = symbol_memory__new();
	return young->memory && (young->cnt * 4 < young->slot_cnt * 3 || generation__grow(young));
}

static void put(struct symbol_cache *cache, const struct answer *answer)
{
	struct answer copy = *answer, *slot;

	if (!make_room(cache))
		return;
	copy.lines = copy_lines(cache->young.memory, answer->lines, answer->line_cnt);
	if (answer->line_cnt && !copy.lines)
		return;
	slot = generation__slot(&cache->young, answer->frame);
	cache->young.cnt += slot->frame == 0;
	*slot = copy;
}

static const struct answer *generation__find(const struct generation *generation, uint64_t frame)
{
	const struct answer *answer = generation__slot(generation, frame);

	return answer && answer->frame ? answer : NULL;
}

bool symbol_cache__get(struct symbol_cache *cache, struct symbol_location *location,
	struct symbol_memory *memory, uint64_t now_ns, bool *ret_failed)
{
	const struct symbol_line *lines;
	const struct answer *answer;
	struct answer copy;
	bool is_old;

	if (!cache)
		return false;
	answer = generation__find(&cache->young, location->frame);
	is_old = !answer;
	if (is_old)
		answer = generation__find(&cache->old, location->frame);
	if (!answer || now_ns >= answer->expires_ns) {
		cache->stats.miss_cnt++;
		return false;
	}
	lines = copy_lines(memory, answer->lines, answer->line_cnt);
	if (answer->line_cnt && !lines)
		return false;
	location->lines = lines;
	location->line_cnt = answer->line_cnt;
	location->function_start = answer->function_start;
	*ret_failed = answer->failed;
	cache->stats.hit_cnt++;
	/* Room for it may be made by dropping the generation that it is in. */
	copy = *answer;
	copy.lines = lines;
	if (is_old)
		put(cache, &copy);
	return true;
}

void symbol_cache__put(struct symbol_cache *cache, const struct symbol_location *location,
	uint64_t now_ns, bool failed)
{
	if (!cache || !cache->bytes_max)
		return;
	put(cache, &(struct answer){.frame = location->frame,
			   .function_start = location->function_start,
			   .expires_ns = location->line_cnt ? UINT64_MAX : now_ns + UNNAMED_NS,
			   .lines = location->lines,
			   .line_cnt = location->line_cnt,
			   .failed = failed});
}

void symbol_cache__set_kernel(struct symbol_cache *cache, const struct symbol_mapping *mapping)
{
	cache->kernel = *mapping;
	cache->kernel.path = "[kernel.kallsyms]";
	cache->kernel.build_id = "";
}

const struct symbol_mapping *symbol_cache__kernel(const struct symbol_cache *cache)
{
	return cache->kernel.path ? &cache->kernel : NULL;
}
