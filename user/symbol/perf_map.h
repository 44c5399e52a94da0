/* SPDX-License-Identifier: GPL-2.0 */
/* /tmp/perf-PID.map: the list of its code that a JIT compiler leaves for profilers. */
#ifndef SYMBOL_PERF_MAP_H
#define SYMBOL_PERF_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A line: "7f1c20000a40 1c0 LazyCompile:*fib /srv/fib.js:1:13". */
struct perf_map_entry {
	uint64_t start;
	uint64_t bytes;
	const char *name; /* into the line */
	size_t name_len;
};

/* line[len] without its newline. false: not such a line. */
bool perf_map_entry__parse(const char *line, size_t len, struct perf_map_entry *ret);
/* Of /proc/PID/status: whose the map has to be, and by which name it is found. */
struct process_ids {
	uint32_t ns_pid; /* in the innermost pid namespace */
	uid_t real, effective;
};

/* status: the file's text. 0; -ESRCH: it has no such lines. */
int process_ids__parse(const char *status, struct process_ids *ret);
/*
 * A descriptor of the map of a process, named by its pid in its own pid namespace and found in its
 * own /tmp. Only a regular file that belongs to the process's user or to root, no symbolic link, is
 * opened. start_ns (CLOCK_BOOTTIME) tells the process from a later one with its pid; 0: do not
 * check. -ENOENT: no map; -ESRCH: the process is another one; -EPERM: the file is not to be
 * trusted.
 */
int perf_map__open(const char *proc_dir, uint32_t pid, uint64_t start_ns);
/* The same of a process that lives; -ENXIO: there is none with this pid. */
int perf_map__open_live(const char *proc_dir, uint32_t pid, uint64_t start_ns);

#endif
