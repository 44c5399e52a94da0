// SPDX-License-Identifier: GPL-2.0
/* Touches memory for the first time, in known ways: touch MODE [ARG]
 *
 *   once       300 pages by its own stores, 200 by the kernel's (read(2)), 100 read and then written
 *   many MB    so many megabytes, a store a page
 *   huge MB    the same as huge pages; prints how many kilobytes came so
 *   again MS   16 pages, given back and touched again, each millisecond
 * WAIT_MS in the environment: how long to wait before it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE_BYTES 4096ul
#define HUGE_BYTES (2ul << 20)

static volatile char sink;

static char *map(size_t bytes)
{
	char *memory = mmap(
		NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		exit(1);
	madvise(memory, bytes, MADV_NOHUGEPAGE);
	return memory;
}

static __attribute__((noipa)) void store_pages(char *memory, size_t pages)
{
	size_t i;

	for (i = 0; i < pages; i++)
		((volatile char *)memory)[i * PAGE_BYTES] = 1;
}

static __attribute__((noipa)) void read_pages(char *memory, size_t pages)
{
	size_t i;

	for (i = 0; i < pages; i++)
		sink = ((volatile char *)memory)[i * PAGE_BYTES];
}

static __attribute__((noipa)) void read_into(char *memory, size_t pages)
{
	int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, memory, pages * PAGE_BYTES) != (ssize_t)(pages * PAGE_BYTES))
		exit(1);
	close(fd);
}

static __attribute__((noipa)) void read_then_store(char *memory, size_t pages)
{
	read_pages(memory, pages);
	store_pages(memory, pages);
}

static __attribute__((noipa)) void touch_once(void)
{
	store_pages(map(300 * PAGE_BYTES), 300);
	usleep(200000);
	read_into(map(200 * PAGE_BYTES), 200);
	usleep(200000);
	read_then_store(map(100 * PAGE_BYTES), 100);
}

static __attribute__((noipa)) void touch_many(size_t bytes)
{
	store_pages(map(bytes), bytes / PAGE_BYTES);
}

static long huge_kib(const char *memory)
{
	FILE *file = fopen("/proc/self/smaps", "re");
	unsigned long start, end, kib;
	char line[512];
	int inside = 0;
	long sum = 0;

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			inside = (unsigned long)memory >= start && (unsigned long)memory < end;
		else if (inside && sscanf(line, "AnonHugePages: %lu", &kib) == 1)
			sum += (long)kib;
	}
	return sum;
}

static __attribute__((noipa)) void touch_huge(size_t bytes)
{
	char *memory = map(bytes + HUGE_BYTES);

	memory = (char *)(((unsigned long)memory + HUGE_BYTES - 1) & ~(HUGE_BYTES - 1));
	madvise(memory, bytes, MADV_HUGEPAGE);
	store_pages(memory, bytes / PAGE_BYTES);
	printf("%ld\n", huge_kib(memory));
}

static __attribute__((noipa)) void touch_again(int ms)
{
	char *memory = map(16 * PAGE_BYTES);

	while (ms-- > 0) {
		store_pages(memory, 16);
		madvise(memory, 16 * PAGE_BYTES, MADV_DONTNEED);
		usleep(1000);
	}
}

int main(int argc, char **argv)
{
	const char *wait_ms = getenv("WAIT_MS"), *mode = argc > 1 ? argv[1] : "";
	int arg = argc > 2 ? atoi(argv[2]) : 0;

	usleep((useconds_t)(wait_ms ? atoi(wait_ms) : 0) * 1000);
	if (!strcmp(mode, "once"))
		touch_once();
	else if (!strcmp(mode, "many"))
		touch_many((size_t)arg << 20);
	else if (!strcmp(mode, "huge"))
		touch_huge((size_t)arg << 20);
	else if (!strcmp(mode, "again"))
		touch_again(arg);
	else
		return 2;
	return 0;
}
