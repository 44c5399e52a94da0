// SPDX-License-Identifier: GPL-2.0
/* burn MS: uses so many milliseconds of CPU time in a function named at build time (-DBURN=name). */
#include <stdio.h>
#include <stdlib.h>

#include "burn.h"

#ifndef BURN
#define BURN burn
#endif

BURN_ROUNDS(BURN)

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	BURN_CPU_MS(BURN, atoi(argv[1]));
	return 0;
}
