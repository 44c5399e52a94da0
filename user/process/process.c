// SPDX-License-Identifier: GPL-2.0
/* The process table: what /proc told at the start, kept current by the kernel's events. */
#include "process/process.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "process/clock.h"
#include "process/proc.h"
#include "process/reread.h"

#define ROWS_UNCHECKED_MAX 1024
#define SCAN_SHARE         20 /* of the time, for reading processes anew: 100,000 mappings take 50 ms */
#define LINES_AT_ONCE      4096 /* of one that is read at once: 2 ms */

static struct process *process__new(uint32_t pid, uint64_t start_ns)
{
	struct process *process = calloc(1, sizeof(*process));

	if (!process)
		return NULL;
	process->image = image__new(start_ns, NULL);
	if (!process->image) {
		free(process);
		return NULL;
	}
	process->pid = pid;
	process->start_ns = start_ns;
	return process;
}

static void process__free(struct process *process)
{
	image__free_chain(process->image);
	free(process);
}

struct processes *processes__new(struct files *files, bool track_all, bool follow_children)
{
	struct processes *processes = calloc(1, sizeof(*processes));

	if (!processes)
		return NULL;
	processes->files = files;
	processes->track_all = track_all;
	processes->follow_children = follow_children;
	return processes;
}

void processes__free(struct processes *processes)
{
	struct process *process, *next, *older;

	if (!processes)
		return;
	rereads__free(processes);
	HASH_ITER (hh, processes->by_pid, process, next) {
		HASH_DEL(processes->by_pid, process);
		for (; process; process = older) {
			older = process->older;
			process__free(process);
		}
	}
	free(processes);
}

struct process *processes__find(const struct processes *processes, uint32_t pid)
{
	struct process *process;

	HASH_FIND(hh, processes->by_pid, &pid, sizeof(pid), process);
	return process;
}

struct process *processes__find_started(
	const struct processes *processes, uint32_t pid, uint64_t start_ns)
{
	struct process *process = processes__find(processes, pid);

	/* Newest first: the owner is the oldest whose reported start is not before the kernel's own. */
	while (process && process->older && process->older->start_ns >= start_ns)
		process = process->older;
	return process;
}

uint32_t processes__cnt(const struct processes *processes)
{
	return HASH_COUNT(processes->by_pid);
}

/* Makes process the current owner of its pid; the last owner, if any, has ended by then. */
static void processes__add(struct processes *processes, struct process *process)
{
	struct process *older = processes__find(processes, process->pid);

	if (older) {
		if (!older->end_ns)
			older->end_ns = process->start_ns;
		HASH_DEL(processes->by_pid, older);
		process->older = older;
	}
	HASH_ADD(hh, processes->by_pid, pid, sizeof(process->pid), process);
}

void processes__list(struct processes *processes, struct process *process)
{
	if (process->is_listed)
		return;
	process->is_listed = true;
	process->next_listed = processes->listed;
	processes->listed = process;
}

static void processes__unlist(struct processes *processes, struct process *process)
{
	struct process **link = &processes->listed;

	if (!process->is_listed)
		return;
	while (*link != process)
		link = &(*link)->next_listed;
	*link = process->next_listed;
	process->is_listed = false;
}

void processes__changed(struct processes *processes, struct process *process)
{
	process->is_dirty = true;
	process->change_cnt++;
	processes__list(processes, process);
}

static void process__map(
	struct processes *processes, struct process *process, const struct mapping_row *row)
{
	if (image__map(process->image, row))
		processes->rows_dropped_cnt++;
	processes__changed(processes, process);
}

struct scan {
	struct processes *processes;
	struct process *process;
};

static int scan__mapping(const struct proc_mapping *mapping, void *arg)
{
	struct scan *scan = arg;
	struct mapping_row row = files__row_of(scan->processes->files, scan->process->pid, mapping);

	process__map(scan->processes, scan->process, &row);
	return 0;
}

/* 1: there are more lines than line_max; else as proc_maps__open() and proc_maps__read(). */
static int process__read_maps(
	struct processes *processes, struct process *process, uint32_t line_max)
{
	struct scan scan = {.processes = processes, .process = process};
	struct proc_maps *maps;
	int err = proc_maps__open((pid_t)process->pid, &maps);

	if (err)
		return err;
	err = proc_maps__read(maps, line_max, scan__mapping, &scan);
	proc_maps__close(maps);
	return err;
}

static int processes__scan_lines(
	struct processes *processes, uint32_t pid, uint64_t now_ns, uint32_t line_max)
{
	struct process *process = processes__find(processes, pid), *found = process;
	struct proc_stat stat;
	int err;

	if (proc_stat__read((pid_t)pid, &stat))
		return -ESRCH;
	if (!process || process->end_ns) {
		/* start_ticks is rounded down */
		process = process__new(pid, (stat.start_ticks + 1) * proc_stat__tick_ns());
		if (!process)
			return -ENOMEM;
		found = NULL;
	}
	process->scan_ns = now_ns;
	process->is_expected = false;
	process->leader_exited = stat.state == 'Z';
	process->image->start_stack = stat.start_stack;
	process->image->end_code = stat.end_code;
	err = process__read_maps(processes, process, line_max);
	/* Gone meanwhile, a zombie, or a kernel thread. Of one with more mappings than are read, those read are kept. */
	if (!found && (err == -ENOENT || !process->image->row_cnt)) {
		processes__unlist(processes, process);
		process__free(process);
		return err == -ENOENT ? -ESRCH : 0;
	}
	if (!found)
		processes__add(processes, process);
	if (err > 0)
		rereads__want(processes, process);
	if (err == -E2BIG)
		processes->rows_dropped_cnt++;
	return 0;
}

int processes__scan(struct processes *processes, uint32_t pid, uint64_t now_ns)
{
	return processes__scan_lines(processes, pid, now_ns, UINT32_MAX);
}

int processes__scan_shortly(struct processes *processes, uint32_t pid, uint64_t now_ns)
{
	return processes__scan_lines(processes, pid, now_ns, LINES_AT_ONCE);
}

void processes__on_fork(
	struct processes *processes, uint32_t pid, uint32_t parent_pid, uint64_t time_ns)
{
	struct process *parent = processes__find(processes, parent_pid), *old, *child;

	if (pid == parent_pid)
		return; /* a thread */
	if (!processes->track_all && (!processes->follow_children || !parent))
		return;
	old = processes__find(processes, pid);
	if (old && !old->end_ns && time_ns < old->scan_ns)
		return;
	child = process__new(pid, time_ns);
	if (!child)
		return;
	if (parent && parent->image->row_cnt && !image__share_rows(parent->image, child->image)) {
		child->image->start_stack = parent->image->start_stack;
		child->image->end_code = parent->image->end_code;
		processes__changed(processes, child);
	}
	processes__add(processes, child);
}

/* The live process that an event of time_ns is about; NULL when it is not tracked, or /proc was read after it. */
static struct process *processes__subject(
	struct processes *processes, uint32_t pid, uint64_t time_ns)
{
	struct process *process = processes__find(processes, pid);

	if ((!process || process->end_ns) && processes->track_all) {
		/* its fork was lost */
		processes__scan_shortly(processes, pid, time_ns);
		process = processes__find(processes, pid);
	}
	return process && !process->end_ns && time_ns >= process->scan_ns ? process : NULL;
}

void processes__on_exec(struct processes *processes, uint32_t pid, uint64_t time_ns)
{
	struct process *process = processes__subject(processes, pid, time_ns);
	struct image *image;

	if (!process)
		return;
	rereads__forget(processes, process);
	image = image__new(time_ns, process->image);
	if (!image)
		return;
	process->image = image;
	process->leader_exited = false; /* whichever thread called exec is the leader now */
	processes__changed(processes, process);
}

/* No event tells of an unmap: a process that maps ever new addresses is read anew before it fills the tables. */
static void process__drop_unmapped(struct processes *processes, struct process *process)
{
	const struct image *image = process->image;

	if (image->row_cnt < image->rows_checked_cnt * 2 + ROWS_UNCHECKED_MAX &&
		image->row_cnt + IMAGE_ROWS_SPARE <= PROC_MAPS_MAX)
		return;
	if (clock__ns(CLOCK_BOOTTIME) - processes->reread_ns <
		SCAN_SHARE * processes->reread_took_ns)
		return;
	rereads__want(processes, process);
}

void processes__on_mmap(
	struct processes *processes, const struct file_mapping *mapping, uint64_t time_ns)
{
	struct process *process = processes__subject(processes, (uint32_t)mapping->pid, time_ns);
	struct mapping_row row;

	if (!process)
		return;
	row = files__row(processes->files, mapping);
	process__map(processes, process, &row);
	rereads__on_map(processes, process, &row);
	process__drop_unmapped(processes, process);
}

#define END_READS_MAX 3

/* A leader may exit before its threads: it stays a zombie, counted until the last one is gone. One that a thread's exec
 * killed has been replaced by that thread: a read in between meets the old leader, reaped, with no thread at all, and is
 * done again. And the kernel tells of an exit a little before it shows in /proc. */
static void process__end_if_gone(struct process *process, uint64_t time_ns)
{
	struct proc_stat stat = {0};
	int reads, err = 0;

	for (reads = 0; reads < END_READS_MAX && !err && !stat.thread_cnt; reads++)
		err = proc_stat__read((pid_t)process->pid, &stat);
	if (err || ((stat.state == 'Z' || stat.state == 'X') && stat.thread_cnt <= 1))
		process->end_ns = time_ns;
}

void processes__on_exit(struct processes *processes, uint32_t pid, uint32_t tid, uint64_t time_ns)
{
	struct process *process = processes__find(processes, pid);

	if (!process || process->end_ns || time_ns < process->scan_ns)
		return;
	if (tid == pid)
		process->leader_exited = true;
	if (process->leader_exited)
		process__end_if_gone(process, time_ns);
}

const struct image *process__image_at(const struct process *process, uint64_t time_ns)
{
	const struct image *image = process->image;

	while (image->older && image->from_ns > time_ns)
		image = image->older;
	return image;
}

/* Frees the images that process had replaced before before_ns. */
static void process__forget_images(struct process *process, uint64_t before_ns)
{
	struct image *image;

	for (image = process->image; image; image = image->older) {
		if (image->from_ns >= before_ns)
			continue;
		image__free_chain(image->older);
		image->older = NULL;
	}
}

static void image__mark_files(const struct image *image, bool *is_mapped, uint32_t file_cnt)
{
	uint32_t i;

	for (i = 0; i < image->row_cnt; i++)
		if (image->rows[i].file_id <= file_cnt)
			is_mapped[image->rows[i].file_id] = true;
}

void processes__mark_files(const struct processes *processes, bool *is_mapped, uint32_t file_cnt)
{
	const struct process *process, *owner;
	const struct image *image;

	for (process = processes->by_pid; process; process = process->hh.next)
		for (owner = process; owner; owner = owner->older)
			for (image = owner->image; image; image = image->older)
				image__mark_files(image, is_mapped, file_cnt);
}

void processes__forget(struct processes *processes, uint64_t before_ns, uint64_t now_ns,
	void (*drop)(struct process *, void *), void *arg)
{
	struct process *process, *next, **link, *owner;

	HASH_ITER (hh, processes->by_pid, process, next) {
		if (process->leader_exited && !process->end_ns)
			process__end_if_gone(process, now_ns);
		process__forget_images(process, before_ns);
		for (link = &process->older; (owner = *link);) {
			if (owner->end_ns >= before_ns) {
				link = &owner->older;
				continue;
			}
			*link = owner->older;
			processes__unlist(processes, owner);
			rereads__forget(processes, owner);
			drop(owner, arg);
			process__free(owner);
		}
		/* The newest owner ended last: when it goes, no older one is left. */
		if (process->end_ns && process->end_ns < before_ns && !process->older) {
			HASH_DEL(processes->by_pid, process);
			processes__unlist(processes, process);
			rereads__forget(processes, process);
			drop(process, arg);
			process__free(process);
		}
	}
}
