/* SPDX-License-Identifier: GPL-2.0 */
/* A bounded reader of DWARF bytes: a read past the end gives 0 and leaves a mark. */
#ifndef UNWIND_CURSOR_H
#define UNWIND_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Callers read a few fields, then ask overrun once: no field of hostile input needs a check of its
 * own. After an overrun pos is end, so loops over the rest stop. */
struct cursor {
	const uint8_t *pos;
	const uint8_t *end;
	bool overrun;
};

static inline struct cursor cursor__new(const void *bytes, size_t len)
{
	return (struct cursor){.pos = bytes, .end = (const uint8_t *)bytes + len};
}

static inline size_t cursor__left(const struct cursor *c)
{
	return c->end - c->pos;
}

static inline void cursor__fail(struct cursor *c)
{
	c->overrun = true;
	c->pos = c->end;
}

/* Steps over len bytes and returns their start; NULL past the end. */
static inline const uint8_t *cursor__skip(struct cursor *c, uint64_t len)
{
	const uint8_t *start = c->pos;

	if (len > cursor__left(c)) {
		cursor__fail(c);
		return NULL;
	}
	c->pos += len;
	return start;
}

/* A little-endian integer of 1, 2, 4 or 8 bytes. */
static inline uint64_t cursor__uint(struct cursor *c, unsigned int bytes)
{
	const uint8_t *p = cursor__skip(c, bytes);
	uint64_t value = 0;

	for (unsigned int i = 0; p && i < bytes; i++)
		value |= (uint64_t)p[i] << (8 * i);
	return value;
}

static inline int64_t cursor__sint(struct cursor *c, unsigned int bytes)
{
	uint64_t value = cursor__uint(c, bytes);
	unsigned int unused_bits = 64 - 8 * bytes;

	return (int64_t)(value << unused_bits) >> unused_bits;
}

static inline uint8_t cursor__u8(struct cursor *c)
{
	return cursor__uint(c, 1);
}

/* Bits above 64 are dropped: assemblers pad numbers with empty bytes. */
static inline uint64_t cursor__uleb128(struct cursor *c)
{
	uint64_t value = 0;
	unsigned int shift = 0;
	uint8_t byte;

	do {
		byte = cursor__u8(c);
		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	return c->overrun ? 0 : value;
}

static inline int64_t cursor__sleb128(struct cursor *c)
{
	uint64_t value = 0;
	unsigned int shift = 0;
	uint8_t byte;

	do {
		byte = cursor__u8(c);
		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	if ((byte & 0x40) && shift < 64)
		value |= ~0ull << shift;
	return c->overrun ? 0 : (int64_t)value;
}

/* A string that ends within the bytes; NULL when it does not. */
static inline const char *cursor__string(struct cursor *c)
{
	const char *start = (const char *)c->pos;
	const uint8_t *nul = cursor__left(c) ? memchr(c->pos, 0, cursor__left(c)) : NULL;

	if (!nul) {
		cursor__fail(c);
		return NULL;
	}
	c->pos = nul + 1;
	return start;
}

#endif
