// SPDX-License-Identifier: GPL-2.0
/* What a profiled process may do to its profiler. Prints "ready", then burns in burn_hostile for SECONDS.
 *
 *   hostile maps SECONDS CNT        CNT lines in /proc/self/maps, every second one executable, made while it runs
 *   hostile churn SECONDS FILE      maps FILE executable at ever new addresses and unmaps it, as fast as it can
 *   hostile files SECONDS FILE...   maps the files executable, whatever they are
 *   hostile shrink SECONDS FILE     maps FILE executable, and cuts and restores it all the time
 *   hostile jit SECONDS [NAME]      burns in code that no file has; NAME: of the thread */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "burn.h"

BURN_ROUNDS(burn_hostile)

#define PAGE 4096ul

static uint64_t end_ns;

static int is_over(void)
{
	return clock_ns(CLOCK_MONOTONIC) >= end_ns;
}

static void ready(void)
{
	puts("ready");
	fflush(stdout);
}

static void run_maps(unsigned long cnt)
{
	char *area = mmap(
		NULL, cnt * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	unsigned long i, done = 0;

	ready();
	/* Downwards, as mmap() itself goes. */
	for (i = cnt; area != MAP_FAILED && i-- > 0;)
		if (i & 1 && !mprotect(area + i * PAGE, PAGE, PROT_READ | PROT_EXEC))
			done++;
	fprintf(stderr, "executable %lu\n", done);
}

static void run_churn(const char *path)
{
	int fd = open(path, O_RDONLY);
	char *at = (char *)0x100000000000ul;

	ready();
	for (; !is_over(); at -= 4 * PAGE) {
		char *mapped = mmap(
			at, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED_NOREPLACE, fd, 0);

		if (mapped != MAP_FAILED)
			munmap(mapped, PAGE);
	}
}

static void map_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK);

	if (fd < 0 ||
		mmap(NULL, 16 * PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED)
		fprintf(stderr, "not mapped: %s\n", path);
	if (fd >= 0)
		close(fd);
}

static void run_shrink(const char *path)
{
	static char image[1 << 20];
	int fd = open(path, O_RDWR);
	ssize_t bytes = read(fd, image, sizeof(image));

	map_file(path);
	ready();
	while (!is_over() && bytes > 0) {
		if (ftruncate(fd, rand() % bytes) || pwrite(fd, image, (size_t)bytes, 0) != bytes)
			return;
	}
}

static void run_jit(void)
{
	/* 1: dec %rdi; jnz 1b; ret */
	static const unsigned char code[] = {0x48, 0xff, 0xcf, 0x75, 0xfb, 0xc3};
	void (*burn)(uint64_t) = NULL;
	void *memory = mmap(
		NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		exit(1);
	memcpy(memory, code, sizeof(code));
	memcpy(&burn, &memory, sizeof(burn));
	printf("ready %lx\n", (unsigned long)memory);
	fflush(stdout);
	while (!is_over())
		burn(BURN_SLICE);
}

int main(int argc, char **argv)
{
	int i;

	if (argc < 3)
		return 2;
	end_ns = clock_ns(CLOCK_MONOTONIC) + strtoull(argv[2], NULL, 10) * 1000000000ull;
	if (!strcmp(argv[1], "maps"))
		run_maps(strtoul(argv[3], NULL, 10));
	if (!strcmp(argv[1], "churn"))
		run_churn(argv[3]);
	if (!strcmp(argv[1], "shrink"))
		run_shrink(argv[3]);
	if (!strcmp(argv[1], "files")) {
		for (i = 3; i < argc; i++)
			map_file(argv[i]);
		ready();
	}
	if (!strcmp(argv[1], "jit")) {
		if (argc > 3)
			prctl(PR_SET_NAME, argv[3]);
		run_jit();
	}
	while (!is_over())
		burn_hostile(BURN_SLICE);
	return 0;
}
