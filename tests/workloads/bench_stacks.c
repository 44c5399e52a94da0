// SPDX-License-Identifier: GPL-2.0
/* As many distinct stacks as asked for: bench_stacks CNT FIRST burns below one after the other for ever, some 60 us each,
 * from number FIRST on. */
#include <stdlib.h>
#include <time.h>

#define DEPTH 18 /* 2^18 ways down */

static volatile unsigned long sink;

static unsigned long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (unsigned long)now.tv_sec * 1000000000ul + (unsigned long)now.tv_nsec;
}

static __attribute__((noinline)) void burn(void)
{
	unsigned long end = now_ns() + 60000;
	int i;

	while (now_ns() < end)
		for (i = 0; i < 1000; i++)
			sink++;
}

/* Each bit of the number chooses which of two call sites leads down. */
static __attribute__((noinline)) void descend(unsigned long number, int depth)
{
	if (!depth) {
		burn();
	} else if (number & 1) {
		descend(number >> 1, depth - 1);
		__asm__ volatile("nop"); /* or the compiler makes one call of them */
	} else {
		descend(number >> 1, depth - 1);
	}
	sink++;
}

int main(int argc, char **argv)
{
	unsigned long cnt, number;

	if (argc != 3)
		return 2;
	cnt = strtoul(argv[1], NULL, 10);
	if (!cnt)
		return 2;
	for (number = strtoul(argv[2], NULL, 10);; number++)
		descend(number % cnt, DEPTH);
	return 0;
}
