// SPDX-License-Identifier: GPL-2.0
/* Eight functions that each leak exactly 30,000 bytes in their own way, and much that is given back: heap_sites [WAIT_MS]; 0:
 * wait for a line on stdin */
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *volatile keep; /* no compiler may leave an allocation out */

static __attribute__((noinline)) void leak_malloc(void)
{
	int i;

	for (i = 0; i < 30; i++)
		keep = malloc(1000);
}

static __attribute__((noinline)) void leak_calloc(void)
{
	int i;

	for (i = 0; i < 10; i++)
		keep = calloc(30, 100);
	keep = calloc(SIZE_MAX / 2, 4); /* overflows: fails */
}

static __attribute__((noinline)) void leak_realloc(void)
{
	void *volatile grown = NULL;
	int i;

	for (i = 1; i <= 30; i++)
		grown = realloc(grown, (size_t)i * 1000);
	keep = realloc(grown, SIZE_MAX / 2); /* fails: grown stays */
}

static __attribute__((noinline)) void leak_reallocarray(void)
{
	int i;

	for (i = 0; i < 3; i++)
		keep = reallocarray(NULL, 100, 100);
}

static __attribute__((noinline)) void leak_posix_memalign(void)
{
	void *address = NULL;
	int i;

	for (i = 0; i < 6; i++) {
		if (posix_memalign(&address, 64, 5000))
			abort();
		keep = address;
	}
	keep = posix_memalign(&address, 3, 5000) ? keep : NULL; /* fails: 3 is no power of two */
}

static __attribute__((noinline)) void leak_aligned_alloc(void)
{
	int i;

	for (i = 0; i < 15; i++)
		keep = aligned_alloc(16, 2000);
}

static __attribute__((noinline)) void leak_memalign(void)
{
	int i;

	for (i = 0; i < 2; i++)
		keep = memalign(256, 15000);
}

static __attribute__((noinline)) void leak_strdup(void)
{
	static char text[10000];
	int i;

	memset(text, 'x', sizeof(text) - 1);
	for (i = 0; i < 3; i++)
		keep = strdup(text);
}

static __attribute__((noinline)) void balanced(void)
{
	void *blocks[100];
	int i;

	for (i = 0; i < 100; i++)
		blocks[i] = malloc((size_t)i * 10);
	for (i = 0; i < 100; i++)
		free(blocks[i]);
	free(NULL);
	keep = realloc(malloc(100), 0);
	for (i = 0; i < 100; i++) {
		blocks[i] = calloc(1, 64);
		blocks[i] = realloc(blocks[i], 128 + (size_t)i);
	}
	for (i = 0; i < 100; i++)
		free(blocks[i]);
}

int main(int argc, char **argv)
{
	void *volatile before = malloc(12345);
	int wait_ms = argc > 1 ? atoi(argv[1]) : 1;
	char line[16];

	if (wait_ms)
		usleep((useconds_t)wait_ms * 1000);
	else if (read(STDIN_FILENO, line, sizeof(line)) < 0)
		return 1;
	free(before); /* allocated before an attach: not in the profile */
	leak_malloc();
	leak_calloc();
	leak_realloc();
	leak_reallocarray();
	leak_posix_memalign();
	leak_aligned_alloc();
	leak_memalign();
	leak_strdup();
	balanced();
	return 0;
}
