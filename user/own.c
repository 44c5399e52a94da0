// SPDX-License-Identifier: GPL-2.0
/* What this process itself uses. */
#include "own.h"

#include <sys/resource.h>
#include <unistd.h>

#include "process/clock.h"
#include "process/memory_limit.h"

#define NS_PER_S 1000000000ull

uint64_t own__cpu_ns(void)
{
	return clock__ns(CLOCK_PROCESS_CPUTIME_ID);
}

uint64_t own__children_cpu_ns(void)
{
	struct rusage usage;

	getrusage(RUSAGE_CHILDREN, &usage);
	return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * NS_PER_S +
	       (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000;
}

uint64_t own__rss_bytes(void)
{
	return process_memory__rss(getpid());
}

uint64_t own__rss_max_bytes(void)
{
	return process_memory__rss_max(getpid());
}
