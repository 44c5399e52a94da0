/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's clocks. */
#ifndef PROCESS_CLOCK_H
#define PROCESS_CLOCK_H

#include <stdint.h>
#include <time.h>

/* CLOCK_MONOTONIC and so on: the kernel's own, which cannot fail. */
static inline uint64_t clock__ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

static inline time_t clock__seconds(clockid_t clock)
{
	return (time_t)(clock__ns(clock) / 1000000000ull);
}

#endif
