/* SPDX-License-Identifier: GPL-2.0 */
/* /proc/PID/maps and /proc/PID/stat as structs. Everything in them but the numbers is the process's own choice. */
#ifndef PROCESS_PROC_H
#define PROCESS_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

#define PROC_MAPS_MAX 65536 /* mappings read of one process: above vm.max_map_count's default */

/* One line of /proc/PID/maps. */
struct proc_mapping {
	uint64_t start;
	uint64_t end;
	uint64_t offset;
	uint64_t dev; /* makedev(major, minor) */
	uint64_t ino;
	bool is_exec;
	const char *
		path; /* into the line; "" for anonymous memory; \\012 undone, " (deleted)" cut off */
	bool deleted;
};

/* Parses one line, which it changes (path is unescaped in place). 0, or -EINVAL for a line that maps never writes. */
int proc_mapping__parse(char *line, struct proc_mapping *ret);

/* Calls fn for every executable mapping. A leader that has exited has no maps: another thread's are read then.
 * Returns the number of mappings, -ENOENT when the process is gone, fn's error, or -E2BIG past PROC_MAPS_MAX. */
int proc_maps__each_exec(pid_t pid, int (*fn)(const struct proc_mapping *, void *), void *arg);

/* The same in pieces: the kernel writes each page of the file when it is read, so what is read late is as it is then. */
struct proc_maps;
/* 0, -ENOENT when the process is gone, -ENOMEM. */
int proc_maps__open(pid_t pid, struct proc_maps **ret);
/* Calls fn for every executable mapping of the next line_max lines. 1: there may be more; 0: that was all; fn's error,
 * or -E2BIG past PROC_MAPS_MAX. */
int proc_maps__read(struct proc_maps *maps, uint32_t line_max,
	int (*fn)(const struct proc_mapping *, void *), void *arg);
void proc_maps__close(struct proc_maps *maps); /* accepts NULL */

/* What bpfprof reads of /proc/PID/stat. */
struct proc_stat {
	char state;
	uint32_t thread_cnt;
	uint64_t start_ticks; /* since boot, in 1/sysconf(_SC_CLK_TCK) s */
	uint64_t end_code;
	uint64_t start_stack;
};

/* Nanoseconds of a tick of start_ticks. */
static inline uint64_t proc_stat__tick_ns(void)
{
	return 1000000000ull / (uint64_t)sysconf(_SC_CLK_TCK);
}

/* Parses the text of a stat file; comm may hold anything, so the last ')' ends it. 0 or -EINVAL. */
int proc_stat__parse(const char *text, struct proc_stat *ret);
/* The image of a leader that has exited is taken from another thread. 0, -ENOENT/-ESRCH when the process is gone,
 * -EINVAL. */
int proc_stat__read(pid_t pid, struct proc_stat *ret);

#endif
