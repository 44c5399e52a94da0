// SPDX-License-Identifier: GPL-2.0
/* A direct-mapped cache of an ELF file's pages: 128 KiB, whatever the file's size. */
#include "symbol/elf_cache.h"

#include <stdlib.h>
#include <string.h>

#include "symbol/elf_view.h"

#define PAGE_BYTES 4096u
#define PAGES      32u

struct elf_cache {
	const struct elf_view *view;
	uint64_t numbers[PAGES]; /* of the page in each slot, plus one; 0: none */
	size_t lens[PAGES];
	unsigned char pages[PAGES][PAGE_BYTES];
};

struct elf_cache *elf_cache__new(const struct elf_view *view)
{
	struct elf_cache *cache = malloc(sizeof(*cache));

	if (!cache)
		return NULL;
	cache->view = view;
	memset(cache->numbers, 0, sizeof(cache->numbers));
	return cache;
}

void elf_cache__free(struct elf_cache *cache)
{
	free(cache);
}

/* What is left of the page from offset on; NULL: nothing. */
static const unsigned char *look(struct elf_cache *cache, uint64_t offset, size_t *ret_len)
{
	uint64_t number = offset / PAGE_BYTES;
	size_t slot = number % PAGES, at = offset % PAGE_BYTES;

	if (cache->numbers[slot] != number + 1) {
		int64_t n = elf_view__read(
			cache->view, cache->pages[slot], PAGE_BYTES, number * PAGE_BYTES);

		cache->numbers[slot] = n > 0 ? number + 1 : 0;
		cache->lens[slot] = n > 0 ? n : 0;
	}
	if (at >= cache->lens[slot])
		return NULL;
	*ret_len = cache->lens[slot] - at;
	return cache->pages[slot] + at;
}

bool elf_cache__read(struct elf_cache *cache, void *buf, size_t bytes, uint64_t offset)
{
	char *to = buf;

	while (bytes) {
		size_t len;
		const unsigned char *from = look(cache, offset, &len);

		if (!from)
			return false;
		len = len < bytes ? len : bytes;
		memcpy(to, from, len);
		to += len;
		offset += len;
		bytes -= len;
	}
	return true;
}

size_t elf_cache__text(
	struct elf_cache *cache, char *buf, size_t buf_bytes, uint64_t offset, uint64_t end)
{
	size_t at = 0;

	while (offset < end && at < buf_bytes) {
		size_t len;
		const unsigned char *from = look(cache, offset, &len), *nul;

		if (!from)
			return 0;
		len = len < end - offset ? len : end - offset;
		len = len < buf_bytes - at ? len : buf_bytes - at;
		nul = memchr(from, '\0', len);
		memcpy(buf + at, from, nul ? (size_t)(nul - from) + 1 : len);
		if (nul)
			return at + (nul - from);
		at += len;
		offset += len;
	}
	return 0;
}
