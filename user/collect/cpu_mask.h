/* SPDX-License-Identifier: GPL-2.0 */
/* A set of CPUs: which are online, which may a process use. */
#ifndef COLLECT_CPU_MASK_H
#define COLLECT_CPU_MASK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define CPU_MASK_CPUS 8192 /* NR_CPUS of the largest x86 kernels */

struct cpu_mask {
	uint64_t bits[CPU_MASK_CPUS / 64];
};

bool cpu_mask__has(const struct cpu_mask *mask, uint32_t cpu);
void cpu_mask__add(struct cpu_mask *mask, uint32_t cpu);
/* into |= from & within */
void cpu_mask__add_common(
	struct cpu_mask *into, const struct cpu_mask *from, const struct cpu_mask *within);
bool cpu_mask__is_equal(const struct cpu_mask *a, const struct cpu_mask *b);
/* Parses the kernel's form, "0-3,8". 0 or -EINVAL. */
int cpu_mask__parse(const char *text, struct cpu_mask *ret);
/* The CPUs that are online now. 0 or -errno. */
int cpu_mask__read_online(struct cpu_mask *ret);
/* The CPUs that the process's first thread may run on, cpusets applied. 0, -ESRCH, -errno. */
int cpu_mask__read_allowed(pid_t pid, struct cpu_mask *ret);

#endif
