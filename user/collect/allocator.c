// SPDX-License-Identifier: GPL-2.0
/* The functions of an allocator, by their names in an ELF file's symbol tables. */
#include "collect/allocator.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collect/elf_code.h"

/* What libraries put in front of the standard names: jemalloc (and Rust's crate of it), tcmalloc, mimalloc, rpmalloc. */
static const char *const prefixes[] = {"je_", "_rjem_", "tc_", "mi_", "rp"};

struct known_function {
	const char *name;
	enum heap_function function;
	bool needs_prefix; /* too common a name without */
};

static const struct known_function known_functions[] = {
	{"malloc", HEAP_MALLOC, false},
	{"calloc", HEAP_CALLOC, false},
	{"realloc", HEAP_REALLOC, false},
	{"reallocarray", HEAP_REALLOCARRAY, false},
	{"aligned_alloc", HEAP_ALIGNED, false},
	{"memalign", HEAP_ALIGNED, false},
	{"posix_memalign", HEAP_POSIX_MEMALIGN, false},
	{"valloc", HEAP_MALLOC, false},
	{"pvalloc", HEAP_PVALLOC, false},
	{"free", HEAP_FREE, false},
	{"cfree", HEAP_FREE, false},
	{"free_sized", HEAP_FREE, false},
	{"free_aligned_sized", HEAP_FREE, false},
	/* jemalloc */
	{"mallocx", HEAP_MALLOC, false},
	{"rallocx", HEAP_REALLOC, false},
	{"dallocx", HEAP_FREE, false},
	{"sdallocx", HEAP_FREE, false},
	/* mimalloc */
	{"zalloc", HEAP_MALLOC, true},
	{"malloc_small", HEAP_MALLOC, true},
	{"zalloc_small", HEAP_MALLOC, true},
	{"malloc_aligned", HEAP_MALLOC, true},
	{"zalloc_aligned", HEAP_MALLOC, true},
	{"calloc_aligned", HEAP_CALLOC, true},
	{"mallocn", HEAP_CALLOC, true},
	{"realloc_aligned", HEAP_REALLOC, true},
	{"rezalloc", HEAP_REALLOC, true},
	{"reallocf", HEAP_REALLOC, true},
	{"reallocn", HEAP_REALLOCARRAY, true},
	{"free_size", HEAP_FREE, true},
	{"free_size_aligned", HEAP_FREE, true},
	{"free_aligned", HEAP_FREE, true},
	{"new", HEAP_MALLOC, true},
	{"new_nothrow", HEAP_MALLOC, true},
	{"new_aligned", HEAP_MALLOC, true},
};

/* operator new, new[], delete, delete[] in all their forms, as the Itanium C++ ABI mangles them. */
static const struct known_function known_operators[] = {
	{"_Znwm", HEAP_MALLOC, false},
	{"_Znam", HEAP_MALLOC, false},
	{"_ZdlPv", HEAP_FREE, false},
	{"_ZdaPv", HEAP_FREE, false},
};

#define CNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct known_function *known__find(const char *name)
{
	size_t i;

	for (i = 0; i < CNT(known_functions); i++)
		if (!strcmp(name, known_functions[i].name))
			return &known_functions[i];
	return NULL;
}

/* How those above begin: most names of a large table are none, and are to cost little. */
static bool may_match(const char *name)
{
	static const char starts[][3] = {"ma", "ca", "re", "al", "me", "po", "va", "pv", "fr", "cf",
		"ra", "da", "sd", "je", "_r", "tc", "mi", "rp", "_Z"};
	size_t i;

	for (i = 0; i < CNT(starts); i++)
		if (name[0] == starts[i][0] && name[1] == starts[i][1])
			return name[0] != '_' || name[1] != 'Z' || name[2] == 'n' || name[2] == 'd';
	return false;
}

bool allocator__match(
	const char *name, bool is_local, enum heap_function *ret_function, bool *ret_is_operator)
{
	const struct known_function *known;
	size_t i;

	*ret_is_operator = false;
	if (!may_match(name))
		return false;
	for (i = 0; i < CNT(known_operators); i++) {
		if (strncmp(name, known_operators[i].name, strlen(known_operators[i].name)))
			continue;
		*ret_function = known_operators[i].function;
		*ret_is_operator = true;
		return true;
	}
	known = is_local ? NULL : known__find(name);
	if (known && !known->needs_prefix) {
		*ret_function = known->function;
		return true;
	}
	for (i = 0; i < CNT(prefixes); i++) {
		if (strncmp(name, prefixes[i], strlen(prefixes[i])))
			continue;
		known = known__find(name + strlen(prefixes[i]));
		if (!known)
			continue;
		*ret_function = known->function;
		return true;
	}
	return false;
}

#define ALIASES_MAX 512

/* One function may have many names. */
struct alias {
	char name[ALLOCATOR_NAME_BYTES_MAX];
	uint32_t function;
};

struct reader {
	struct allocator *allocator;
	const struct elf_code *code;
	struct alias aliases[ALIASES_MAX];
	uint32_t alias_cnt;
};

static int allocator__find(const struct allocator *allocator, uint64_t addr)
{
	uint32_t i;

	for (i = 0; i < allocator->cnt; i++)
		if (allocator->functions[i].addr == addr)
			return (int)i;
	return -1;
}

static void reader__add_alias(struct reader *reader, const char *name, uint32_t function)
{
	struct alias *alias;

	if (reader->alias_cnt == ALIASES_MAX || strlen(name) >= sizeof(alias->name))
		return;
	alias = &reader->aliases[reader->alias_cnt++];
	strcpy(alias->name, name);
	alias->function = function;
}

static void reader__add(const char *name, const GElf_Sym *symbol, void *arg)
{
	struct reader *reader = arg;
	struct allocator *allocator = reader->allocator;
	struct allocator_function *new;
	enum heap_function function;
	bool is_operator;
	uint64_t offset;
	int index;

	if (!allocator__match(
		    name, GELF_ST_BIND(symbol->st_info) == STB_LOCAL, &function, &is_operator))
		return;
	index = allocator__find(allocator, symbol->st_value);
	if (index >= 0) {
		/* of malloc and operator new at one address, malloc */
		if (allocator->functions[index].is_operator && !is_operator) {
			allocator->functions[index].is_operator = false;
			snprintf(allocator->functions[index].name, ALLOCATOR_NAME_BYTES_MAX, "%s",
				name);
		}
		reader__add_alias(reader, name, (uint32_t)index);
		return;
	}
	if (allocator->cnt == ALLOCATOR_FUNCTIONS_MAX || !symbol->st_size ||
		!elf_code__offset(reader->code, symbol->st_value, &offset))
		return;
	reader__add_alias(reader, name, allocator->cnt);
	new = &allocator->functions[allocator->cnt++];
	*new = (struct allocator_function){
		.function = function,
		.is_operator = is_operator,
		.addr = symbol->st_value,
		.bytes = symbol->st_size,
		.offset = offset,
	};
	snprintf(new->name, sizeof(new->name), "%s", name);
}

/* A file with operator new alone, as libstdc++ is, hands on to somebody's malloc. */
static bool allocator__is_complete(const struct allocator *allocator)
{
	bool allocates = false, frees = false;
	uint32_t i;

	for (i = 0; i < allocator->cnt; i++) {
		if (allocator->functions[i].is_operator)
			continue;
		if (heap_function__frees(allocator->functions[i].function))
			frees = true;
		else
			allocates = true;
	}
	return allocates && frees;
}

/* A name in the file's relocations: the number of the function in the allocator that it stands for. */
static int reader__number(const char *name, void *arg)
{
	struct reader *reader = arg;
	uint32_t i;

	for (i = 0; i < reader->alias_cnt; i++)
		if (!strcmp(reader->aliases[i].name, name))
			return (int)reader->aliases[i].function;
	return -1;
}

int allocator__read(int fd, struct allocator *ret)
{
	struct reader *reader;
	struct elf_code code;
	int err = elf_code__open(fd, &code);

	if (err)
		return err;
	reader = calloc(1, sizeof(*reader));
	if (!reader) {
		elf_code__close(&code);
		return -ENOMEM;
	}
	*ret = (struct allocator){0};
	reader->allocator = ret;
	reader->code = &code;
	elf_code__each_function(&code, reader__add, reader);
	if (allocator__is_complete(ret)) {
		elf_code__read_slots(&code, reader__number, reader);
		allocator__finish(ret, &code);
	} else {
		err = -ENOENT;
	}
	free(reader);
	elf_code__close(&code);
	return err;
}
