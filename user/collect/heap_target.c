// SPDX-License-Identifier: GPL-2.0
/* One process whose allocators are probed. */
#include "collect/heap_target.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "process/proc.h"
#include "process/regular_file.h"

bool heap_target__has(const struct heap_target *target, const struct heap_file *file)
{
	uint32_t i;

	for (i = 0; i < target->file_cnt; i++)
		if (target->files[i] == file)
			return true;
	return false;
}

/* The functions that allocate, or those that free. use_entry: not the chosen instructions, but the functions' first. */
static uint32_t sites__fill(const struct heap_target *target, const struct allocator *allocator,
	bool frees, bool use_entry, struct uprobe_site *ret)
{
	uint32_t i, cnt = 0;

	for (i = 0; i < allocator->cnt; i++) {
		const struct allocator_function *function = &allocator->functions[i];
		bool nests = frees ? allocator->nests : function->nests;

		if (heap_function__frees(function->function) != frees)
			continue;
		ret[cnt++] = (struct uprobe_site){
			.offset = function->offset + (use_entry ? 0 : function->site),
			.cookie = (uint64_t)function->function | (nests ? HEAP_COOKIE_NESTS : 0) |
				  (uint64_t)target->index << HEAP_COOKIE_PROCESS_SHIFT,
		};
	}
	return cnt;
}

/* The same of statically defined probes. */
static int target__add_usdt(struct heap_target *target, const struct heap_programs *programs,
	const struct heap_file *file, bool frees)
{
	struct uprobe_site sites[HEAP_USDT_PROBES_MAX];
	uint32_t i, cnt = 0;

	for (i = 0; i < file->usdt->cnt; i++) {
		const struct heap_usdt_probe *probe = &file->usdt->probes[i];

		if (probe->frees != frees)
			continue;
		sites[cnt++] = (struct uprobe_site){
			.offset = probe->probe.offset,
			.semaphore_offset = probe->probe.semaphore_offset,
			.cookie = (uint64_t)target->index << HEAP_COOKIE_PROCESS_SHIFT |
				  (uint64_t)probe->arguments_index << HEAP_COOKIE_USDT_SHIFT,
		};
	}
	return uprobe_links__add(frees ? &target->frees : &target->allocs, programs->kind,
		frees ? programs->usdt_free : programs->usdt_alloc, file->fd, (pid_t)target->pid,
		sites, cnt, false);
}

static int target__add_frees(struct heap_target *target, const struct heap_programs *programs,
	const struct heap_file *file, bool use_entry)
{
	struct uprobe_site sites[ALLOCATOR_FUNCTIONS_MAX];
	uint32_t cnt;

	if (target->is_usdt)
		return target__add_usdt(target, programs, file, true);
	cnt = sites__fill(target, file->allocator, true, use_entry, sites);

	return uprobe_links__add(&target->frees, programs->kind, programs->free, file->fd,
		(pid_t)target->pid, sites, cnt, false);
}

static int target__add_allocs(struct heap_target *target, const struct heap_programs *programs,
	const struct heap_file *file, bool use_entry)
{
	struct uprobe_site sites[ALLOCATOR_FUNCTIONS_MAX];
	pid_t pid = (pid_t)target->pid;
	uint32_t cnt;
	int err;

	if (target->is_usdt)
		return target__add_usdt(target, programs, file, false);
	cnt = sites__fill(target, file->allocator, false, use_entry, sites);
	if (programs->kind == UPROBE_SESSION)
		return uprobe_links__add(&target->allocs, programs->kind, programs->session,
			file->fd, pid, sites, cnt, false);
	/* Returns before entries: an entry without a return would be waited for. */
	err = uprobe_links__add(
		&target->allocs, programs->kind, programs->leave, file->fd, pid, sites, cnt, true);
	if (err)
		return err;
	return uprobe_links__add(
		&target->allocs, programs->kind, programs->enter, file->fd, pid, sites, cnt, false);
}

/* The kernel looks for the process by its number, which may have been given to another one meanwhile: that is let go at once. */
static bool target__is_another(const struct heap_target *target)
{
	struct proc_stat stat;

	/* start_ticks is rounded down, and start_ns never too early */
	return !proc_stat__read((pid_t)target->pid, &stat) &&
	       stat.start_ticks * proc_stat__tick_ns() > target->start_ns;
}

/* Runs one of the above, and again with the functions' entries where this kernel does not take a chosen instruction. What
 * failed leaves nothing behind. */
static int target__try(struct heap_target *target, const struct heap_programs *programs,
	const struct heap_file *file, struct uprobe_links *links,
	int (*add)(
		struct heap_target *, const struct heap_programs *, const struct heap_file *, bool))
{
	uint32_t before = links->cnt;
	int err = add(target, programs, file, false);

	if (err == -EINVAL || err == -EOPNOTSUPP) {
		uprobe_links__cut(links, before);
		err = add(target, programs, file, true);
	}
	if (!err && target__is_another(target))
		err = -ESRCH;
	if (err)
		uprobe_links__cut(links, before);
	return err;
}

int heap_target__probe(struct heap_target *target, const struct heap_programs *programs,
	const struct heap_file *file, bool with_allocs)
{
	uint32_t before = target->frees.cnt;
	int err;

	if (heap_target__has(target, file))
		return -EEXIST;
	if (target->file_cnt == HEAP_TARGET_FILES_MAX)
		return -ENOSPC;
	/* Frees first: one that is not seen would be a leak for ever. */
	err = target__try(target, programs, file, &target->frees, target__add_frees);
	if (!err && with_allocs)
		err = target__try(target, programs, file, &target->allocs, target__add_allocs);
	if (err) {
		uprobe_links__cut(&target->frees, before);
		return err;
	}
	target->files[target->file_cnt++] = file;
	return 0;
}

int heap_target__add_allocs(struct heap_target *target, const struct heap_programs *programs)
{
	int first_err = 0, err;
	uint32_t i;

	if (target->allocs.cnt)
		return 0;
	for (i = 0; i < target->file_cnt; i++) {
		err = target__try(
			target, programs, target->files[i], &target->allocs, target__add_allocs);
		if (!first_err)
			first_err = err;
	}
	return first_err;
}

void heap_target__drop_allocs(struct heap_target *target)
{
	uprobe_links__close(&target->allocs);
}

/* Frees last, for the same reason as above. */
void heap_target__unprobe(struct heap_target *target)
{
	uprobe_links__close(&target->allocs);
	uprobe_links__close(&target->frees);
}

void heap_target__use_usdt(struct heap_target *target, bool use_usdt, bool keep_frees)
{
	uprobe_links__close(&target->allocs);
	if (!keep_frees)
		uprobe_links__close(&target->frees);
	target->file_cnt = 0;
	target->is_usdt = use_usdt;
}

/* The file that is mapped at an address, by its name in the process's root. */
struct mapping_search {
	pid_t pid;
	uint64_t addr;
	int fd; /* or -errno */
};

static int search__match(const struct proc_mapping *mapping, void *arg)
{
	struct mapping_search *search = arg;
	struct stat st;

	if (search->addr < mapping->start || search->addr >= mapping->end ||
		mapping->path[0] != '/')
		return 0;
	search->fd = regular_file__open_in_root(search->pid, mapping->path);
	/* What has this name now may be another file: its probes would never hit. */
	if (search->fd >= 0 && (fstat(search->fd, &st) || st.st_ino != mapping->ino)) {
		close(search->fd);
		search->fd = -ESTALE;
	}
	return 0;
}

int heap_target__open_mapping(const struct heap_target *target, const struct mapping_row *row)
{
	struct mapping_search search = {
		.pid = (pid_t)target->pid, .addr = row->start, .fd = -ENOENT};
	char path[96];
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/map_files/%llx-%llx", target->pid,
		(unsigned long long)row->start, (unsigned long long)row->end);
	fd = regular_file__open(path);
	/* Without CAP_CHECKPOINT_RESTORE, or of a mapping that has changed since. */
	if (fd < 0)
		proc_maps__each_exec(search.pid, search__match, &search);
	return fd >= 0 ? fd : search.fd;
}
