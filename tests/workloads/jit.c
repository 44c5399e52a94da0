// SPDX-License-Identifier: GPL-2.0
/* jit MS NAME [MAP]: burns in machine code that it made itself, and names it NAME in a perf map, /tmp/perf-PID.map, as JIT
 * compilers and python3.12 -X perf do. With MAP the map is written there and /tmp/perf-PID.map is a link to it. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "burn.h"

/* push %rbp; mov %rsp,%rbp; 1: dec %rdi; jnz 1b; pop %rbp; ret */
static const unsigned char code[] = {
	0x55, 0x48, 0x89, 0xe5, 0x48, 0xff, 0xcf, 0x75, 0xfb, 0x5d, 0xc3};

int main(int argc, char **argv)
{
	void (*burn)(uint64_t n);
	char path[64];
	FILE *map;
	void *page;

	if (argc < 3)
		return 2;
	page = mmap(
		NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return 1;
	memcpy(page, code, sizeof(code));
	burn = (void (*)(uint64_t))page;
	snprintf(path, sizeof(path), "/tmp/perf-%d.map", getpid());
	unlink(path);
	if (argc > 3 && symlink(argv[3], path))
		return 1;
	map = fopen(argc > 3 ? argv[3] : path, "w");
	if (!map)
		return 1;
	fprintf(map, "%lx %zx %s\n", (unsigned long)page, sizeof(code), argv[2]);
	fclose(map);
	puts("ready");
	fflush(stdout);
	BURN_CPU_MS(burn, atoi(argv[1]));
	unlink(path);
	return 0;
}
