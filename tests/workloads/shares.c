// SPDX-License-Identifier: GPL-2.0
/* shares SECONDS: burns 75 % of its CPU time in burn_75 and 25 % in burn_25, then prints the CPU nanoseconds used. */
#include <stdio.h>
#include <stdlib.h>

#include "burn.h"

BURN_ROUNDS(burn_75)
BURN_ROUNDS(burn_25)

int main(int argc, char **argv)
{
	uint64_t end = clock_ns(CLOCK_MONOTONIC) +
		       (argc > 1 ? strtoull(argv[1], NULL, 10) : 1) * 1000000000ull;

	while (clock_ns(CLOCK_MONOTONIC) < end) {
		burn_75(3 * BURN_SLICE);
		burn_25(BURN_SLICE);
	}
	printf("cpu_ns %llu\n", (unsigned long long)clock_ns(CLOCK_PROCESS_CPUTIME_ID));
	return 0;
}
