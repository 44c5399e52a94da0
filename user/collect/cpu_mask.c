// SPDX-License-Identifier: GPL-2.0
/* Sets of CPUs of any size that the kernel has; glibc's cpu_set_t ends at 1024. */
#include "collect/cpu_mask.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

bool cpu_mask__has(const struct cpu_mask *mask, uint32_t cpu)
{
	return cpu < CPU_MASK_CPUS && mask->bits[cpu / 64] >> cpu % 64 & 1;
}

void cpu_mask__add(struct cpu_mask *mask, uint32_t cpu)
{
	if (cpu < CPU_MASK_CPUS)
		mask->bits[cpu / 64] |= 1ull << cpu % 64;
}

void cpu_mask__add_common(
	struct cpu_mask *into, const struct cpu_mask *from, const struct cpu_mask *within)
{
	size_t i;

	for (i = 0; i < CPU_MASK_CPUS / 64; i++)
		into->bits[i] |= from->bits[i] & within->bits[i];
}

bool cpu_mask__is_equal(const struct cpu_mask *a, const struct cpu_mask *b)
{
	return !memcmp(a->bits, b->bits, sizeof(a->bits));
}

static int number__parse(const char **text, uint32_t *ret)
{
	unsigned long value;
	char *end;

	if (!isdigit((unsigned char)**text))
		return -EINVAL;
	value = strtoul(*text, &end, 10);
	if (value >= CPU_MASK_CPUS)
		return -EINVAL;
	*text = end;
	*ret = (uint32_t)value;
	return 0;
}

int cpu_mask__parse(const char *text, struct cpu_mask *ret)
{
	struct cpu_mask mask = {0};

	while (*text && *text != '\n') {
		uint32_t first, last;

		if (number__parse(&text, &first))
			return -EINVAL;
		last = first;
		if (*text == '-') {
			text++;
			if (number__parse(&text, &last) || last < first)
				return -EINVAL;
		}
		for (; first <= last; first++)
			cpu_mask__add(&mask, first);
		if (*text == ',')
			text++;
		else if (*text && *text != '\n')
			return -EINVAL;
	}
	*ret = mask;
	return 0;
}

int cpu_mask__read_online(struct cpu_mask *ret)
{
	char text[4096];
	ssize_t bytes;
	int fd = open("/sys/devices/system/cpu/online", O_RDONLY | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	bytes = read(fd, text, sizeof(text) - 1);
	err = bytes < 0 ? -errno : 0;
	close(fd);
	if (err)
		return err;
	text[bytes] = '\0';
	return cpu_mask__parse(text, ret);
}

int cpu_mask__read_allowed(pid_t pid, struct cpu_mask *ret)
{
	struct cpu_mask mask = {0};

	/* glibc's wrapper would do as well, but not for a mask of this type. */
	if (syscall(SYS_sched_getaffinity, pid, sizeof(mask.bits), mask.bits) < 0)
		return -errno;
	*ret = mask;
	return 0;
}
