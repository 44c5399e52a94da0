// SPDX-License-Identifier: GPL-2.0
/*
 * markup SECONDS PERCENT: a process whose names try to be markup: its comm, a thread's, a function's. It burns PERCENT of
 * its CPU time in burn_one, the rest in burn_two and in the function with the name; main > outer > these.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "burn.h"

BURN_ROUNDS(burn_one)
BURN_ROUNDS(burn_two)

/* The assembler takes any name between quotes. */
void evil(uint64_t n) __asm__(
	"\"</script><script>document.title='evil'</script><img src=x onerror=alert(1)>\"");
BURN_ROUNDS(evil)

static uint64_t end_ns;

__attribute__((noinline)) static void outer(uint64_t percent)
{
	burn_one(BURN_SLICE * percent / 100);
	burn_two(BURN_SLICE * (100 - percent) / 200);
	evil(BURN_SLICE * (100 - percent) / 200);
	__asm__ volatile(""); /* no tail call */
}

static void *run(void *percent)
{
	if (percent)
		prctl(PR_SET_NAME, "'\"><b>&amp;");
	while (clock_ns(CLOCK_MONOTONIC) < end_ns)
		outer(percent ? *(uint64_t *)percent : 0);
	return NULL;
}

int main(int argc, char **argv)
{
	uint64_t percent = argc > 2 ? strtoull(argv[2], NULL, 10) : 50;
	pthread_t thread;

	end_ns = clock_ns(CLOCK_MONOTONIC) +
		 (argc > 1 ? strtoull(argv[1], NULL, 10) : 1) * 1000000000ull;
	prctl(PR_SET_NAME, "\"><img src=x>");
	if (pthread_create(&thread, NULL, run, &percent))
		return 1;
	pthread_join(thread, NULL);
	return 0;
}
