/* SPDX-License-Identifier: GPL-2.0 */
/* How much memory a process has, and may have. */
#ifndef PROCESS_MEMORY_LIMIT_H
#define PROCESS_MEMORY_LIMIT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Bytes resident; 0 when the process is gone. */
uint64_t process_memory__rss(pid_t pid);
/* The most that were resident since it was executed, which ru_maxrss is not: that is its parent's before. 0 when it is gone. */
uint64_t process_memory__rss_max(pid_t pid);
/* The least of its rlimits on data and address space and the memory.max of its cgroup and those above; 0: none. */
uint64_t process_memory__limit(pid_t pid);
/* The folder in a line of /proc/PID/cgroup, which is changed. False: it is not that of cgroup v2, or lies outside of our own
 * cgroup namespace. */
bool cgroup_line__folder(char *line, char **ret);

#endif
