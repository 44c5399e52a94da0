/* SPDX-License-Identifier: GPL-2.0 */
/* Burning CPU time in functions that tests recognise by name. */
#ifndef BURN_H
#define BURN_H

#include <stdint.h>
#include <time.h>

static volatile uint64_t burn_sink;

static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

/* A function of its own that computes n rounds; the work is in the function itself, not below it. */
#define BURN_ROUNDS(name)                                                                          \
	__attribute__((noinline, noclone)) void name(uint64_t n);                                  \
	void name(uint64_t n)                                                                      \
	{                                                                                          \
		uint64_t i, x = burn_sink;                                                         \
                                                                                                   \
		for (i = 0; i < n; i++)                                                            \
			x = x * 6364136223846793005ull + 1442695040888963407ull;                   \
		burn_sink = x;                                                                     \
	}

/* Some 0.1 ms. */
#define BURN_SLICE 100000

/* Runs fn until the thread has used so much CPU time. */
#define BURN_CPU_MS(fn, ms)                                                                        \
	do {                                                                                       \
		uint64_t burn_end = clock_ns(CLOCK_THREAD_CPUTIME_ID) + (uint64_t)(ms)*1000000;    \
                                                                                                   \
		while (clock_ns(CLOCK_THREAD_CPUTIME_ID) < burn_end)                               \
			fn(BURN_SLICE);                                                            \
	} while (0)

#endif
