// SPDX-License-Identifier: GPL-2.0
/* Strings kept once each and known by a small number. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "output/names.h"

struct name {
	UT_hash_handle hh;
	const char *text;
	uint32_t number;
	char copy[];
};

struct names {
	struct name *by_text;
	struct name **by_number;
	size_t by_number_max;
};

struct names *names__new(void)
{
	return calloc(1, sizeof(struct names));
}

void names__free(struct names *names)
{
	struct name *name, *next;

	if (!names)
		return;
	HASH_ITER (hh, names->by_text, name, next) {
		HASH_DEL(names->by_text, name);
		free(name);
	}
	free(names->by_number);
	free(names);
}

static int reserve_number(struct names *names)
{
	size_t max = names->by_number_max ? 2 * names->by_number_max : 64;
	struct name **by_number;

	if (names__cnt(names) < names->by_number_max)
		return 0;
	by_number = reallocarray(names->by_number, max, sizeof(struct name *));
	if (!by_number)
		return -ENOMEM;
	names->by_number = by_number;
	names->by_number_max = max;
	return 0;
}

static int add(
	struct names *names, const char *text, size_t bytes, bool borrowed, uint32_t *ret_name)
{
	struct name *name;
	unsigned int hash;

	HASH_VALUE(text, bytes, hash);
	HASH_FIND_BYHASHVALUE(hh, names->by_text, text, bytes, hash, name);
	if (name) {
		*ret_name = name->number;
		return 0;
	}
	name = malloc(sizeof(*name) + (borrowed ? 0 : bytes + 1));
	if (!name || reserve_number(names) < 0) {
		free(name);
		return -ENOMEM;
	}
	name->text = text;
	if (!borrowed) {
		memcpy(name->copy, text, bytes);
		name->copy[bytes] = '\0';
		name->text = name->copy;
	}
	name->number = names__cnt(names);
	HASH_ADD_KEYPTR_BYHASHVALUE(hh, names->by_text, name->text, bytes, hash, name);
	if (!name->hh.tbl) {
		free(name);
		return -ENOMEM;
	}
	names->by_number[name->number] = name;
	*ret_name = name->number;
	return 1;
}

int names__add(struct names *names, const char *text, size_t bytes, uint32_t *ret_name)
{
	return add(names, text, bytes, false, ret_name);
}

int names__borrow(struct names *names, const char *text, size_t bytes, uint32_t *ret_name)
{
	return add(names, text, bytes, true, ret_name);
}

const char *names__text(const struct names *names, uint32_t name)
{
	return names->by_number[name]->text;
}

size_t names__cnt(const struct names *names)
{
	return HASH_COUNT(names->by_text);
}
