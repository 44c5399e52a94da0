// SPDX-License-Identifier: GPL-2.0
/* New rows grow beside the old ones, which serve until all is read. */
#include "process/reread.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "process/clock.h"
#include "process/proc.h"

#define LINES_A_LOOK 64 /* at the clock */

struct reread {
	struct process *process;
	struct proc_maps *maps;
	struct image fresh; /* its rows as far as they are read */
	uint64_t
		read_to; /* the end of the last mapping that was read: what is mapped above is met later */
	uint64_t began_ns;
	struct proc_stat stat;
};

struct reread_line {
	struct processes *processes;
	struct reread *reread;
};

void rereads__want(struct processes *processes, struct process *process)
{
	struct process **link = &processes->rereads;

	if (process->is_reread_wanted ||
		(processes->reread && processes->reread->process == process))
		return;
	while (*link)
		link = &(*link)->next_reread;
	*link = process;
	process->next_reread = NULL;
	process->is_reread_wanted = true;
}

static void reread__end(struct processes *processes)
{
	struct reread *reread = processes->reread;

	if (!reread)
		return;
	proc_maps__close(reread->maps);
	image__free_rows(&reread->fresh);
	free(reread);
	processes->reread = NULL;
}

void rereads__forget(struct processes *processes, struct process *process)
{
	struct process **link = &processes->rereads;

	if (processes->reread && processes->reread->process == process)
		reread__end(processes);
	if (!process->is_reread_wanted)
		return;
	while (*link != process)
		link = &(*link)->next_reread;
	*link = process->next_reread;
	process->is_reread_wanted = false;
}

void rereads__free(struct processes *processes)
{
	reread__end(processes);
}

void rereads__on_map(
	struct processes *processes, const struct process *process, const struct mapping_row *row)
{
	struct reread *reread = processes->reread;

	if (reread && reread->process == process && row->start < reread->read_to)
		image__map(&reread->fresh, row);
}

/* What the event of this mapping told is more than can be read now, if the file was deleted. NULL: there was none. */
static const struct mapping_row *reread__known(
	const struct reread_line *line, const struct proc_mapping *mapping)
{
	const struct mapping_row *row = image__find(line->reread->process->image, mapping->start);
	const struct file *file;

	if (!row || row->start != mapping->start || row->end != mapping->end)
		return NULL;
	file = files__get(line->processes->files, row->file_id);
	return file && !strcmp(file->path, mapping->path) ? row : NULL;
}

static int reread__on_mapping(const struct proc_mapping *mapping, void *arg)
{
	struct reread_line *line = arg;
	struct reread *reread = line->reread;
	const struct mapping_row *known = reread__known(line, mapping);
	struct mapping_row row;

	row = known ? *known : files__row_of(line->processes->files, reread->process->pid, mapping);
	reread->read_to = row.end;
	return image__map(&reread->fresh, &row);
}

static void reread__begin(struct processes *processes)
{
	struct process *process = processes->rereads;
	struct reread *reread = calloc(1, sizeof(*reread));

	processes->rereads = process->next_reread;
	process->is_reread_wanted = false;
	processes->reread_took_ns = 0;
	if (!reread)
		return;
	reread->process = process;
	reread->began_ns = clock__ns(CLOCK_BOOTTIME);
	processes->reread = reread;
	if (process->end_ns || proc_stat__read((pid_t)process->pid, &reread->stat) ||
		proc_maps__open((pid_t)process->pid, &reread->maps))
		reread__end(processes);
}

/* The new rows take the old ones' place. Without any the process is gone, and its last stacks need the old ones. */
static void reread__finish(struct processes *processes)
{
	struct reread *reread = processes->reread;
	struct process *process = reread->process;
	struct image *image = process->image;

	if (reread->fresh.row_cnt && !process->end_ns) {
		image__free_rows(image);
		image__take_rows(image, &reread->fresh);
		reread->fresh = (struct image){0};
		image->rows_checked_cnt = image->row_cnt;
		image->start_stack = reread->stat.start_stack;
		image->end_code = reread->stat.end_code;
		process->scan_ns = reread->began_ns;
		processes__changed(processes, process);
	}
	reread__end(processes);
}

/* 1: there is more of it. */
static int reread__step(struct processes *processes, uint64_t end_ns)
{
	struct reread_line line = {.processes = processes, .reread = processes->reread};
	uint64_t began_ns = clock__ns(CLOCK_BOOTTIME), now_ns;
	int more;

	do {
		more = proc_maps__read(line.reread->maps, LINES_A_LOOK, reread__on_mapping, &line);
		now_ns = clock__ns(CLOCK_BOOTTIME);
	} while (more > 0 && now_ns < end_ns);
	processes->reread_took_ns += now_ns - began_ns;
	processes->reread_ns = now_ns;
	if (more == -E2BIG)
		processes->rows_dropped_cnt++;
	if (more <= 0)
		reread__finish(processes);
	return more > 0;
}

int rereads__step(struct processes *processes, uint64_t end_ns)
{
	do {
		if (!processes->reread && processes->rereads)
			reread__begin(processes);
		if (processes->reread && reread__step(processes, end_ns))
			return 1;
	} while (processes->rereads && clock__ns(CLOCK_BOOTTIME) < end_ns);
	return processes->rereads != NULL;
}
