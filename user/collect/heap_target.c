// SPDX-License-Identifier: GPL-2.0
/* One process whose allocators are probed. */
#include "collect/heap_target.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

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

static int target__add(struct heap_target *target, const struct heap_programs *programs,
	const struct heap_file *file, int fd, bool use_entry)
{
	struct uprobe_site sites[ALLOCATOR_FUNCTIONS_MAX];
	pid_t pid = (pid_t)target->pid;
	uint32_t cnt;
	int err;

	/* Frees first: one that is not seen would be a leak for ever. */
	cnt = sites__fill(target, file->allocator, true, use_entry, sites);
	err = uprobe_links__add(
		&target->links, programs->kind, programs->free, fd, pid, sites, cnt, false);
	if (err)
		return err;
	cnt = sites__fill(target, file->allocator, false, use_entry, sites);
	if (programs->kind == UPROBE_SESSION)
		return uprobe_links__add(&target->links, programs->kind, programs->session, fd, pid,
			sites, cnt, false);
	/* Returns before entries, for the same reason. A return probe belongs to the function's first instruction: at
	 * another one the kernel takes it just as well, and both halves must be one probe. */
	err = uprobe_links__add(
		&target->links, programs->kind, programs->leave, fd, pid, sites, cnt, true);
	if (err)
		return err;
	return uprobe_links__add(
		&target->links, programs->kind, programs->enter, fd, pid, sites, cnt, false);
}

int heap_target__probe(struct heap_target *target, const struct heap_programs *programs,
	const struct heap_file *file, int fd)
{
	uint32_t before = target->links.cnt;
	int err;

	if (heap_target__has(target, file))
		return -EEXIST;
	if (target->file_cnt == HEAP_TARGET_FILES_MAX)
		return -ENOSPC;
	err = target__add(target, programs, file, fd, false);
	if (err == -EINVAL || err == -EOPNOTSUPP || err == -ENOTSUP) {
		/* an instruction that this kernel does not take */
		uprobe_links__cut(&target->links, before);
		err = target__add(target, programs, file, fd, true);
	}
	if (err) {
		uprobe_links__cut(&target->links, before);
		return err;
	}
	target->files[target->file_cnt++] = file;
	return 0;
}

int heap_target__open_mapping(
	const struct heap_target *target, const struct mapping_row *row, const struct file *file)
{
	char path[4096 + 64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/map_files/%llx-%llx", target->pid,
		(unsigned long long)row->start, (unsigned long long)row->end);
	fd = regular_file__open(path);
	if (fd >= 0 || !file->path || file->path[0] != '/')
		return fd;
	if (snprintf(path, sizeof(path), "/proc/%u/root%s", target->pid, file->path) >=
		(int)sizeof(path))
		return -ENAMETOOLONG;
	return regular_file__open(path);
}
