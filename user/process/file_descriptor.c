// SPDX-License-Identifier: GPL-2.0
/* The descriptors of executed files. A file is opened when it is first mapped and its descriptor kept, so that a binary
 * that is deleted or replaced, or whose process is gone, still symbolises. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "process/file_private.h"
#include "process/regular_file.h"

/* The longest window that a profile is asked for, and a minute. */
#define UNMAPPED_NS_MAX (660 * 1000000000ull)
#define CLOSED_AT_ONCE  512 /* a file that was deleted is freed then: 15 us */

/* Is this the file that was mapped, not one that has its name now? */
static bool file__is_same(int fd, const struct file_identity *want, const struct elf_header *header)
{
	struct stat st;

	if (want->build_id_len)
		return header->build_id_len == want->build_id_len &&
		       !memcmp(header->build_id, want->build_id, want->build_id_len);
	/* st_dev differs from maps' device on overlay and btrfs; the inode does not. */
	return !fstat(fd, &st) && (!want->ino || st.st_ino == want->ino);
}

/* fd: opened, which becomes the caller's or is closed; or -errno. */
static int file__take(int fd, const struct file_identity *want, struct elf_header *ret_header)
{
	int err;

	if (fd < 0)
		return fd;
	err = elf_header__read(fd, ret_header);
	if (!err && !file__is_same(fd, want, ret_header)) {
		free(ret_header->segments);
		err = -ESTALE;
	}
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

/* Opens the file as the process sees it: the mapping itself (needs CAP_CHECKPOINT_RESTORE; works for deleted files),
 * the process's root, then our own root for a process that is gone. */
int mapping__open(const struct file_mapping *mapping, struct elf_header *ret_header)
{
	char path[96];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/map_files/%llx-%llx", mapping->pid,
		(unsigned long long)mapping->start, (unsigned long long)mapping->end);
	fd = file__take(regular_file__open(path), &mapping->identity, ret_header);
	if (fd >= 0 || fd == -ENOEXEC)
		return fd;
	if (mapping->path[0] != '/')
		return fd;
	fd = file__take(regular_file__open_in_root(mapping->pid, mapping->path), &mapping->identity,
		ret_header);
	if (fd >= 0)
		return fd;
	return file__take(regular_file__open(mapping->path), &mapping->identity, ret_header);
}

void files__spare_descriptor(struct files *files)
{
	uint32_t tries;

	for (tries = 0; tries < files->cnt && files->open_cnt >= files->open_max; tries++) {
		struct file *file = files->by_id[files->clock++ % files->cnt];

		if (file->fd >= 0) {
			close(file->fd);
			file->fd = -1;
			files->open_cnt--;
		}
	}
}

/* A file that could not be opened when it was first seen may be readable through another process. */
static void files__retry(struct files *files, uint32_t id, const struct file_mapping *mapping)
{
	struct file *file = files->by_id[id - 1];
	struct elf_header header;
	int fd;

	if (file->kind != FILE_OTHER || file->error == -ENOEXEC)
		return;
	files__spare_descriptor(files);
	fd = mapping__open(mapping, &header);
	if (fd < 0)
		return;
	files->open_cnt++;
	file->fd = fd;
	file->kind = FILE_ELF;
	file->error = 0;
	file->segments = header.segments;
	file->segment_cnt = header.segment_cnt;
	file->position_fixed = header.position_fixed;
}

/* Its path may name another file by now, or only in this process's namespace. */
static void files__reopen(struct files *files, uint32_t id, const struct file_mapping *mapping)
{
	struct file *file = files->by_id[id - 1];
	struct elf_header header;

	file->unmapped_ns = 0;
	if (!file->is_released || file->fd >= 0)
		return;
	files__spare_descriptor(files);
	file->fd = mapping__open(mapping, &header);
	if (file->fd < 0) {
		file->fd = -1;
		return;
	}
	free(header.segments);
	files->open_cnt++;
	file->is_released = false;
	file->error = 0;
}

void files__open_again(struct files *files, uint32_t id, const struct file_mapping *mapping)
{
	files__retry(files, id, mapping);
	files__reopen(files, id, mapping);
}

bool files__release(struct files *files, const bool *is_mapped, uint64_t now_ns, uint64_t needed_ns)
{
	uint32_t id, closed_cnt = 0;

	for (id = 1; id <= files->cnt && closed_cnt < CLOSED_AT_ONCE; id++) {
		struct file *file = files->by_id[id - 1];

		if (is_mapped[id]) {
			file->unmapped_ns = 0;
			continue;
		}
		if (file->fd < 0)
			continue;
		if (!file->unmapped_ns) {
			file->unmapped_ns = now_ns;
		} else if (file->unmapped_ns < needed_ns ||
			   file->unmapped_ns + UNMAPPED_NS_MAX < now_ns) {
			close(file->fd);
			file->fd = -1;
			file->is_released = true;
			files->open_cnt--;
			closed_cnt++;
		}
	}
	return closed_cnt == CLOSED_AT_ONCE;
}

int files__fd(const struct files *files, uint32_t id)
{
	struct elf_header header;
	struct file_mapping mapping;
	struct file *file;

	if (!id || id > files->cnt)
		return -ENOENT;
	file = files->by_id[id - 1];
	if (file->fd >= 0)
		return file->fd;
	if (file->kind != FILE_ELF)
		return file->error ? file->error : -ENOENT;
	files__spare_descriptor((struct files *)files);
	mapping = (struct file_mapping){
		.identity = file->identity, .path = file->path, .pid = file->pid};
	file->fd = mapping__open(&mapping, &header);
	if (file->fd < 0) {
		file->error = file->fd;
		file->fd = -1;
		return file->error;
	}
	free(header.segments);
	((struct files *)files)->open_cnt++;
	return file->fd;
}
