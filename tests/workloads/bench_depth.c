// SPDX-License-Identifier: GPL-2.0
/* Burns CPU time in user space below a stack of a given depth: bench_depth FRAMES SECONDS. No system call while it burns. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static volatile unsigned long sink;

static __attribute__((noinline)) void burn(double seconds)
{
	struct timespec now;
	double end;
	unsigned long i;

	clock_gettime(CLOCK_MONOTONIC, &now); /* the vDSO */
	end = (double)now.tv_sec + (double)now.tv_nsec / 1e9 + seconds;
	do {
		for (i = 0; i < 1000000; i++)
			sink += i;
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while ((double)now.tv_sec + (double)now.tv_nsec / 1e9 < end);
}

/* Something is left to do after the call, so that no compiler makes a loop of it. */
static __attribute__((noinline)) void descend(unsigned long frames, double seconds)
{
	char pad[16];

	__asm__ volatile("" : : "r"(pad) : "memory");
	if (frames)
		descend(frames - 1, seconds);
	else
		burn(seconds);
	sink++;
	__asm__ volatile("" : : "r"(pad) : "memory");
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "Usage: bench_depth FRAMES SECONDS\n");
		return 2;
	}
	descend(strtoul(argv[1], NULL, 10), atof(argv[2]));
	return 0;
}
