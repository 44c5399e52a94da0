// SPDX-License-Identifier: GPL-2.0
/* Bump allocation in chunks, and a hash table of the strings in them. */
#include "symbol/memory.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES (32u * 1024)
#define ALIGNMENT   sizeof(max_align_t)

struct chunk {
	struct chunk *next;
	size_t used;
	size_t size;
	max_align_t data[];
};

struct string {
	uint64_t hash;
	const char *text; /* NULL: the slot is free */
	size_t len;
};

struct symbol_memory {
	struct chunk *chunks; /* the first one is being filled */
	struct string *strings;
	size_t string_cnt;
	size_t slot_cnt; /* a power of two, or 0 */
	size_t bytes;
};

struct symbol_memory *symbol_memory__new(void)
{
	return calloc(1, sizeof(struct symbol_memory));
}

void symbol_memory__free(struct symbol_memory *memory)
{
	if (!memory)
		return;
	while (memory->chunks) {
		struct chunk *next = memory->chunks->next;

		free(memory->chunks);
		memory->chunks = next;
	}
	free(memory->strings);
	free(memory);
}

size_t symbol_memory__bytes(const struct symbol_memory *memory)
{
	return memory->bytes + memory->slot_cnt * sizeof(*memory->strings);
}

static void *alloc_aligned(struct symbol_memory *memory, size_t bytes, size_t alignment)
{
	struct chunk *chunk = memory->chunks;
	size_t at = chunk ? (chunk->used + alignment - 1) & ~(alignment - 1) : 0;

	if (!chunk || at > chunk->size || bytes > chunk->size - at) {
		size_t size = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;

		if (bytes > SIZE_MAX - sizeof(*chunk))
			return NULL;
		chunk = calloc(1, sizeof(*chunk) + size);
		if (!chunk)
			return NULL;
		chunk->size = size;
		chunk->next = memory->chunks;
		memory->chunks = chunk;
		memory->bytes += sizeof(*chunk) + size;
		at = 0;
	}
	chunk->used = at + bytes;
	return (char *)chunk->data + at;
}

void *symbol_memory__alloc(struct symbol_memory *memory, size_t bytes)
{
	return alloc_aligned(memory, bytes, ALIGNMENT);
}

/* The length of the well-formed UTF-8 sequence at text (Unicode 15, table 3-7), or 0. */
static size_t utf8_len(const unsigned char *text, size_t len)
{
	unsigned char c = text[0], low = 0x80, high = 0xbf;
	size_t need;

	if (c < 0x80)
		return 1;
	if (c >= 0xc2 && c <= 0xdf)
		need = 2;
	else if (c >= 0xe0 && c <= 0xef)
		need = 3;
	else if (c >= 0xf0 && c <= 0xf4)
		need = 4;
	else
		return 0;
	if (c == 0xe0)
		low = 0xa0;
	else if (c == 0xed)
		high = 0x9f;
	else if (c == 0xf0)
		low = 0x90;
	else if (c == 0xf4)
		high = 0x8f;
	if (len < need || text[1] < low || text[1] > high)
		return 0;
	for (size_t i = 2; i < need; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	return need;
}

static void clean(char *text, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t n = utf8_len((unsigned char *)text + i, len - i);

		if (n == 0 || (unsigned char)text[i] < 0x20 || text[i] == 0x7f) {
			text[i] = '?';
			n = 1;
		}
		i += n;
	}
}

/* FNV-1a. */
static uint64_t hash_text(const char *text, size_t len)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3;
	return hash ^ hash >> 32;
}

static struct string *find_slot(
	struct string *strings, size_t slot_cnt, const char *text, size_t len, uint64_t hash)
{
	size_t i = hash & (slot_cnt - 1);

	while (strings[i].text && (strings[i].hash != hash || strings[i].len != len ||
					  memcmp(strings[i].text, text, len) != 0))
		i = (i + 1) & (slot_cnt - 1);
	return &strings[i];
}

static bool grow(struct symbol_memory *memory)
{
	size_t slot_cnt = memory->slot_cnt ? memory->slot_cnt * 2 : 256;
	struct string *strings = calloc(slot_cnt, sizeof(*strings));

	if (!strings)
		return false;
	for (size_t i = 0; i < memory->slot_cnt; i++) {
		const struct string *old = &memory->strings[i];

		if (old->text)
			*find_slot(strings, slot_cnt, old->text, old->len, old->hash) = *old;
	}
	free(memory->strings);
	memory->strings = strings;
	memory->slot_cnt = slot_cnt;
	return true;
}

const char *symbol_memory__intern(struct symbol_memory *memory, const char *text, size_t len)
{
	struct string *slot;
	uint64_t hash;
	char *copy;

	if (memory->string_cnt * 4 >= memory->slot_cnt * 3 && !grow(memory))
		return NULL;
	/* The copy is made first, since what is looked up is the cleaned text; a copy that turns
	 * out to be there already is taken back. */
	copy = alloc_aligned(memory, len + 1, 1);
	if (!copy)
		return NULL;
	memcpy(copy, text, len);
	copy[len] = '\0';
	clean(copy, len);
	hash = hash_text(copy, len);
	slot = find_slot(memory->strings, memory->slot_cnt, copy, len, hash);
	if (slot->text) {
		memset(copy, 0, len + 1);
		memory->chunks->used -= len + 1;
		return slot->text;
	}
	*slot = (struct string){hash, copy, len};
	memory->string_cnt++;
	return copy;
}
