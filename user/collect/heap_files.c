// SPDX-License-Identifier: GPL-2.0
/* The files that define allocators, or tell what they allocate, read once each. */
#include "collect/heap_files.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct heap_files {
	struct heap_file **files;
	size_t cnt;
	struct heap_usdt_table *table;
};

struct heap_files *heap_files__new(struct heap_usdt_table *table)
{
	struct heap_files *files = calloc(1, sizeof(*files));

	if (files)
		files->table = table;
	return files;
}

void heap_files__free(struct heap_files *files)
{
	size_t i;

	if (!files)
		return;
	for (i = 0; i < files->cnt; i++) {
		free((void *)files->files[i]->allocator);
		free((void *)files->files[i]->usdt);
		if (files->files[i]->fd >= 0)
			close(files->files[i]->fd);
		free(files->files[i]);
	}
	free(files->files);
	free(files);
}

/* NULL: it defines none, or cannot be read. */
static struct allocator *allocator__read_new(int fd)
{
	struct allocator *allocator = malloc(sizeof(*allocator));

	if (!allocator || !allocator__read(fd, allocator))
		return allocator;
	free(allocator);
	return NULL;
}

static struct heap_usdt *usdt__read_new(int fd, struct heap_usdt_table *table)
{
	struct heap_usdt *usdt = malloc(sizeof(*usdt));

	if (usdt && !heap_usdt__read(fd, usdt) && !heap_usdt__publish(usdt, table))
		return usdt;
	free(usdt);
	return NULL;
}

static struct heap_file *files__add(struct heap_files *files, const struct stat *st)
{
	struct heap_file **grown = reallocarray(
		files->files, files->cnt + 1, sizeof(*files->files));
	struct heap_file *file;

	if (!grown)
		return NULL;
	files->files = grown;
	file = calloc(1, sizeof(*file));
	if (!file)
		return NULL;
	file->dev = st->st_dev;
	file->ino = st->st_ino;
	file->fd = -1;
	files->files[files->cnt++] = file;
	return file;
}

static struct heap_file *files__find(const struct heap_files *files, const struct stat *st)
{
	size_t i;

	for (i = 0; i < files->cnt; i++)
		if (files->files[i]->dev == st->st_dev && files->files[i]->ino == st->st_ino)
			return files->files[i];
	return NULL;
}

/* One that is kept open is what it was; the number of another may belong to a new file by now, in a container's file system
 * that of another one. */
static bool file__is_current(const struct heap_file *file, const struct stat *st)
{
	return file->fd >= 0 || (file->changed.tv_sec == st->st_ctim.tv_sec &&
					file->changed.tv_nsec == st->st_ctim.tv_nsec);
}

const struct heap_file *heap_files__get(struct heap_files *files, int fd)
{
	struct heap_file *file;
	struct stat st;

	if (fstat(fd, &st))
		return NULL;
	file = files__find(files, &st);
	if (file && file__is_current(file, &st))
		return file;
	if (!file)
		file = files__add(files, &st);
	if (!file)
		return NULL;
	file->changed = st.st_ctim;
	file->allocator = allocator__read_new(fd);
	if (files->table)
		file->usdt = usdt__read_new(fd, files->table);
	if (file->allocator || file->usdt)
		file->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return file;
}
