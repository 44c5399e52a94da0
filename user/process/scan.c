// SPDX-License-Identifier: GPL-2.0
/* Lists the processes first, then reads them one by one: a list takes microseconds, a process with many mappings milliseconds. */
#include "process/scan.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

#include "process/clock.h"

void process_scan__want(struct process_scan *scan)
{
	scan->is_wanted = true;
}

void process_scan__destroy(struct process_scan *scan)
{
	free(scan->pids);
	*scan = (struct process_scan){0};
}

static int scan__add(struct process_scan *scan, uint32_t pid)
{
	size_t cnt = scan->cnt;
	uint32_t *pids;

	if (cnt == 0 || (cnt >= 64 && (cnt & (cnt - 1)) == 0)) {
		pids = reallocarray(scan->pids, cnt ? 2 * cnt : 64, sizeof(*pids));
		if (!pids)
			return -ENOMEM;
		scan->pids = pids;
	}
	scan->pids[scan->cnt++] = pid;
	return 0;
}

static int scan__list(struct process_scan *scan, const struct processes *processes)
{
	struct dirent *entry;
	DIR *proc = opendir("/proc");
	int err = 0;

	if (!proc)
		return -errno;
	while (!err && (entry = readdir(proc))) {
		uint32_t pid = (uint32_t)strtoul(entry->d_name, NULL, 10);

		if (isdigit((unsigned char)entry->d_name[0]) &&
			(processes->track_all || processes__find(processes, pid)))
			err = scan__add(scan, pid);
	}
	closedir(proc);
	return err;
}

/* Those that are known when a pass begins. */
static void processes__expect(struct processes *processes)
{
	struct process *process, *next;

	HASH_ITER (hh, processes->by_pid, process, next)
		process->is_expected = !process->end_ns;
}

/* Ends those that it did not meet: their exit was lost. */
static void processes__end_unseen(struct processes *processes, uint64_t began_ns)
{
	struct process *process, *next;

	HASH_ITER (hh, processes->by_pid, process, next)
		if (process->is_expected && !process->end_ns)
			process->end_ns = began_ns;
}

int process_scan__step(struct process_scan *scan, struct processes *processes, uint64_t end_ns)
{
	/* At the start there is nothing else to do. */
	int (*read)(struct processes *, uint32_t,
		uint64_t) = end_ns == UINT64_MAX ? processes__scan : processes__scan_shortly;
	int err = 0;

	if (!scan->pids) {
		if (!scan->is_wanted)
			return 0;
		scan->is_wanted = false;
		scan->cnt = scan->next = 0;
		scan->began_ns = clock__ns(CLOCK_BOOTTIME);
		processes__expect(processes);
		err = scan__list(scan, processes);
	}
	while (!err && scan->next < scan->cnt) {
		uint64_t now_ns = clock__ns(CLOCK_BOOTTIME);

		err = read(processes, scan->pids[scan->next++], now_ns);
		if (err == -ESRCH)
			err = 0;
		if (!err && clock__ns(CLOCK_BOOTTIME) >= end_ns)
			return 1;
	}
	if (!err)
		processes__end_unseen(processes, scan->began_ns);
	free(scan->pids);
	scan->pids = NULL;
	return err ? err : scan->is_wanted;
}

int processes__scan_all(struct processes *processes)
{
	struct process_scan scan = {.is_wanted = true};
	int err = process_scan__step(&scan, processes, UINT64_MAX);

	process_scan__destroy(&scan);
	return err;
}
