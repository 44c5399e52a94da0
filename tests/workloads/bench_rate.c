// SPDX-License-Identifier: GPL-2.0
/* How much work a profiler leaves: bench_rate FRAMES counts below a stack of this depth and prints, each 100 ms, the
 * nanoseconds of CPU time that 1,000 additions took: strangers on the machine are not in it, interrupts are. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define WINDOW_NS 100000000ul

static volatile unsigned long sink;

static unsigned long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (unsigned long)now.tv_sec * 1000000000ul + (unsigned long)now.tv_nsec;
}

static __attribute__((noinline)) void count(void)
{
	for (;;) {
		unsigned long start = now_ns(), end = start, rounds = 0;
		int i;

		while (end - start < WINDOW_NS) {
			for (i = 0; i < 100000; i++)
				sink++;
			rounds += 100;
			end = now_ns();
		}
		printf("%.3f\n", (double)(end - start) / (double)rounds);
		fflush(stdout);
	}
}

static __attribute__((noinline)) void descend(unsigned long frames)
{
	if (frames)
		descend(frames - 1);
	else if (sink == 0)
		count();
	sink++;
}

int main(int argc, char **argv)
{
	descend(argc > 1 ? strtoul(argv[1], NULL, 10) : 0);
	return 0;
}
