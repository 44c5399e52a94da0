// SPDX-License-Identifier: GPL-2.0
/* What deep.c loads while it is profiled. */
#include <stdint.h>
#include <x86intrin.h>

#define NOINLINE __attribute__((noinline, noclone, noipa))

uint64_t deep_library_burn(uint64_t seed, uint64_t deadline_tsc);

static NOINLINE uint64_t library_leaf(uint64_t seed, uint64_t deadline_tsc)
{
	uint64_t i;

	while (__rdtsc() < deadline_tsc)
		for (i = 0; i < 1000000; i++)
			seed = seed * 6364136223846793005ull + i;
	return seed;
}

NOINLINE uint64_t deep_library_burn(uint64_t seed, uint64_t deadline_tsc)
{
	return library_leaf(seed, deadline_tsc) * 3;
}
