// SPDX-License-Identifier: GPL-2.0
/* Which functions of an allocator call one another, so that no allocation is counted twice. */
#include <elf.h>
#include <string.h>

#include "collect/allocator.h"
#include "collect/elf_code.h"
#include "collect/probe_site.h"

static int allocator__at(const struct allocator *allocator, uint64_t addr)
{
	uint32_t i;

	for (i = 0; i < allocator->cnt; i++)
		if (allocator->functions[i].addr == addr)
			return (int)i;
	return -1;
}

/* The function that a call or jmp of 5 bytes at bytes leads to, by itself or through the PLT. */
static int jump__function(const struct allocator *allocator, const struct elf_code *code,
	uint64_t addr, const uint8_t *bytes)
{
	uint64_t target;
	int32_t offset;
	int function;

	memcpy(&offset, bytes + 1, sizeof(offset));
	target = addr + 5 + (uint64_t)(int64_t)offset;
	function = allocator__at(allocator, target);
	return function >= 0 ? function : elf_code__plt_function(code, target);
}

/* Does nothing but to jump to another one. */
static bool code__is_thunk(const struct allocator *allocator, const struct elf_code *code,
	uint32_t index, const uint8_t *bytes, size_t cnt)
{
	static const uint8_t endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};
	size_t at = cnt >= 4 && !memcmp(bytes, endbr64, 4) ? 4 : 0;
	int target;

	if (at + 5 > cnt || bytes[at] != 0xe9)
		return false;
	target = jump__function(allocator, code, allocator->functions[index].addr + at, bytes + at);
	return target >= 0 && (uint32_t)target != index;
}

static bool code__calls_another(const struct allocator *allocator, const struct elf_code *code,
	uint32_t index, const uint8_t *bytes, size_t cnt)
{
	bool frees = heap_function__frees(allocator->functions[index].function);
	size_t i;

	for (i = 0; i + 5 <= cnt; i++) {
		int target;

		if (bytes[i] != 0xe8 && bytes[i] != 0xe9)
			continue;
		target = jump__function(
			allocator, code, allocator->functions[index].addr + i, bytes + i);
		/* one that allocates and frees on the way (a cache that it fills) is of no interest */
		if (target >= 0 && (uint32_t)target != index &&
			frees == heap_function__frees(allocator->functions[target].function))
			return true;
	}
	return false;
}

/* All but the plain ones hand some of their calls on to another one, by ways that are not to be seen in their own code: glibc's
 * memalign to malloc when the alignment is small. They are rarer, so the return that each of them then has is cheap. */
static bool function__may_nest(const struct allocator_function *function)
{
	switch (function->function) {
	case HEAP_MALLOC:
		return strstr(function->name, "valloc") || strstr(function->name, "align");
	case HEAP_CALLOC:
	case HEAP_FREE:
		return false;
	default:
		return true;
	}
}

/* A function that is no more than a way to another one; the other one's probe sees all of its calls. */
static bool function__is_redundant(const struct allocator_function *function)
{
	return function->nests &&
	       (function->is_operator || function->function == HEAP_REALLOCARRAY ||
		       function->function == HEAP_FREE);
}

/* How many of its arguments the kernel half reads. */
static int function__argument_cnt(enum heap_function function)
{
	switch (function) {
	case HEAP_MALLOC:
	case HEAP_PVALLOC:
	case HEAP_FREE:
		return 1;
	case HEAP_POSIX_MEMALIGN:
	case HEAP_REALLOCARRAY:
		return 3;
	default:
		return 2;
	}
}

void allocator__finish(struct allocator *allocator, const struct elf_code *code)
{
	uint8_t bytes[PROBE_CODE_BYTES_MAX];
	bool drop[ALLOCATOR_FUNCTIONS_MAX] = {0};
	uint32_t i, cnt = 0;

	for (i = 0; i < allocator->cnt; i++) {
		struct allocator_function *function = &allocator->functions[i];
		size_t want = function->bytes < sizeof(bytes) ? function->bytes : sizeof(bytes);
		size_t got = elf_code__read(code, function->addr, bytes, want);

		function->site = probe_site__choose(code->machine, bytes, got,
			function__argument_cnt(function->function),
			!heap_function__frees(function->function), &function->is_emulated);
		if (code->machine != EM_X86_64) {
			function->nests = function__may_nest(function);
			continue;
		}
		function->nests = code__calls_another(allocator, code, i, bytes, got);
		drop[i] = code__is_thunk(allocator, code, i, bytes, got) ||
			  function__is_redundant(function);
		function->nests |= function__may_nest(function);
	}
	for (i = 0; i < allocator->cnt; i++) {
		if (drop[i])
			continue;
		allocator->nests |= allocator->functions[i].nests;
		allocator->functions[cnt++] = allocator->functions[i];
	}
	allocator->cnt = cnt;
}
