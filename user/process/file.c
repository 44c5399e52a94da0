// SPDX-License-Identifier: GPL-2.0
/* The table of executed files. A file is opened when it is first mapped and its descriptor kept, so that a binary that
 * is deleted or replaced, or whose process is gone, still symbolises. */
#include "process/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uthash.h>

#include "bpfprof.h"
#include "process/elf_header.h"
#include "process/regular_file.h"
#include "process/vdso.h"

#define DESCRIPTORS_MAX 8192
#define FILES_MAX       65536 /* what a process maps is its own choice: beyond, frames stay raw */
#define PAGE_BYTES      4096ull
/* The longest window that a profile is asked for, and a minute. */
#define UNMAPPED_NS_MAX (660 * 1000000000ull)

/* Two ways to find a file, each a hash of its own: by build id, or by device, inode and path. */
struct file_alias {
	struct file_identity identity; /* either the build id or dev and ino, the rest 0 */
	uint32_t id;
	UT_hash_handle hh;
};

struct files {
	struct file **by_id; /* by_id[id - 1] */
	uint32_t cnt;
	uint32_t capacity;
	struct file_alias *aliases;
	int open_cnt;
	int open_max;
	uint64_t refused_cnt;
	uint32_t clock; /* next file whose descriptor is given up */
};

struct files *files__new(void)
{
	struct files *files = calloc(1, sizeof(*files));
	struct rlimit limit;

	if (!files)
		return NULL;
	files->open_max = 512;
	if (!getrlimit(RLIMIT_NOFILE, &limit)) {
		rlim_t max = limit.rlim_cur / 2;

		files->open_max = max < DESCRIPTORS_MAX ? (int)max : DESCRIPTORS_MAX;
	}
	return files;
}

static void file__free(struct file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	free(file->segments);
	free(file->path);
	free(file);
}

void files__free(struct files *files)
{
	struct file_alias *alias, *next;
	uint32_t i;

	if (!files)
		return;
	HASH_ITER (hh, files->aliases, alias, next) {
		HASH_DEL(files->aliases, alias);
		free(alias);
	}
	for (i = 0; i < files->cnt; i++)
		file__free(files->by_id[i]);
	free(files->by_id);
	free(files);
}

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
static int mapping__open(const struct file_mapping *mapping, struct elf_header *ret_header)
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

static void files__add_alias(struct files *files, const struct file_identity *identity, uint32_t id)
{
	struct file_alias *alias, *old;

	if (!identity->build_id_len && !identity->ino)
		return;
	HASH_FIND(hh, files->aliases, identity, sizeof(*identity), old);
	if (old)
		return;
	alias = calloc(1, sizeof(*alias));
	if (!alias)
		return; /* found again by its other name, or read once more */
	alias->identity = *identity;
	alias->id = id;
	HASH_ADD(hh, files->aliases, identity, sizeof(alias->identity), alias);
}

static uint32_t files__find(const struct files *files, const struct file_identity *identity)
{
	struct file_alias *alias;

	HASH_FIND(hh, files->aliases, identity, sizeof(*identity), alias);
	return alias ? alias->id : 0;
}

static struct file_identity identity__by_build_id(const struct file_identity *identity)
{
	struct file_identity key = {.build_id_len = identity->build_id_len};

	memcpy(key.build_id, identity->build_id, sizeof(key.build_id));
	return key;
}

static struct file_identity identity__by_inode(const struct file_identity *identity)
{
	return (struct file_identity){.dev = identity->dev, .ino = identity->ino};
}

static struct file *files__add(struct files *files, const struct file_mapping *mapping)
{
	struct file *file;

	if (files->cnt >= FILES_MAX) {
		files->refused_cnt++;
		return NULL;
	}
	if (files->cnt == files->capacity) {
		uint32_t capacity = files->capacity ? 2 * files->capacity : 256;
		struct file **by_id = reallocarray(files->by_id, capacity, sizeof(*by_id));

		if (!by_id)
			return NULL;
		files->by_id = by_id;
		files->capacity = capacity;
	}
	file = calloc(1, sizeof(*file));
	if (!file)
		return NULL;
	file->fd = -1;
	file->path = strdup(mapping->path);
	if (!file->path) {
		free(file);
		return NULL;
	}
	file->pid = mapping->pid;
	file->deleted = mapping->deleted;
	file->identity = mapping->identity;
	file->id = files->cnt + 1;
	files->by_id[files->cnt++] = file;
	return file;
}

/* Gives up the descriptor that was opened the longest ago. */
static void files__spare_descriptor(struct files *files)
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

static uint32_t files__add_vdso(struct files *files, const struct file_mapping *mapping)
{
	struct elf_header header;
	struct file *file;
	size_t bytes;
	const void *image = vdso__image(&bytes);

	if (!image || elf_header__read_image(image, bytes, &header))
		return 0;
	file = files__add(files, mapping);
	if (!file) {
		free(header.segments);
		return 0;
	}
	file->kind = FILE_VDSO;
	file->image = image;
	file->image_bytes = bytes;
	file->segments = header.segments;
	file->segment_cnt = header.segment_cnt;
	memcpy(file->identity.build_id, header.build_id, sizeof(header.build_id));
	file->identity.build_id_len = header.build_id_len;
	return file->id;
}

static uint32_t files__intern_vdso(struct files *files, const struct file_mapping *mapping)
{
	uint32_t i;

	for (i = 0; i < files->cnt; i++)
		if (files->by_id[i]->kind == FILE_VDSO)
			return i + 1;
	return files__add_vdso(files, mapping);
}

/* Remembers a mapping that is not, or can no longer be read as, an ELF file. */
static uint32_t files__add_unread(
	struct files *files, const struct file_mapping *mapping, int error)
{
	struct file *file = files__add(files, mapping);

	if (!file)
		return 0;
	file->kind = FILE_OTHER;
	file->error = error;
	return file->id;
}

/* The id that frames of a file are written under; 0 keeps them raw. A file that is no ELF file may be JIT code. */
static uint32_t files__frame_id(const struct files *files, uint32_t id)
{
	return id && files->by_id[id - 1]->error == -ENOEXEC ? 0 : id;
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

void files__release(struct files *files, const bool *is_mapped, uint64_t now_ns, uint64_t needed_ns)
{
	uint32_t id;

	for (id = 1; id <= files->cnt; id++) {
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
		}
	}
}

/* What is mapped from a device is no ELF file; /dev/shm is a folder like any other. */
static bool is_device(const char *path)
{
	return !strncmp(path, "/dev/", 5) && strncmp(path, "/dev/shm/", 9) != 0;
}

uint32_t files__intern(struct files *files, const struct file_mapping *mapping)
{
	struct file_identity build_id = identity__by_build_id(&mapping->identity);
	struct file_identity inode = identity__by_inode(&mapping->identity);
	struct elf_header header = {0};
	struct file *file;
	uint32_t id = 0;
	int fd;

	if (!strcmp(mapping->path, "[vdso]"))
		return files__intern_vdso(files, mapping);
	if (!mapping->path[0] || mapping->path[0] == '[' || !strncmp(mapping->path, "//", 2) ||
		is_device(mapping->path))
		return 0;
	if (build_id.build_id_len)
		id = files__find(files, &build_id);
	else if (inode.ino)
		id = files__find(files, &inode);
	if (id) {
		files__retry(files, id, mapping);
		files__reopen(files, id, mapping);
		return files__frame_id(files, id);
	}
	files__spare_descriptor(files);
	fd = mapping__open(mapping, &header);
	if (fd >= 0 && header.build_id_len) {
		/* maps names the inode only, MMAP2 the build id only: one file all the same */
		memcpy(build_id.build_id, header.build_id, sizeof(header.build_id));
		build_id.build_id_len = header.build_id_len;
		id = files__find(files, &build_id);
	}
	if (id) {
		close(fd);
		free(header.segments);
		files__add_alias(files, &inode, id);
		return id;
	}
	if (fd < 0) {
		id = files__add_unread(files, mapping, fd);
	} else {
		file = files__add(files, mapping);
		if (!file) {
			close(fd);
			free(header.segments);
			return 0;
		}
		files->open_cnt++;
		file->fd = fd;
		file->segments = header.segments;
		file->segment_cnt = header.segment_cnt;
		file->position_fixed = header.position_fixed;
		memcpy(file->identity.build_id, build_id.build_id, sizeof(build_id.build_id));
		file->identity.build_id_len = build_id.build_id_len;
		id = file->id;
	}
	if (id) {
		files__add_alias(files, &build_id, id);
		if (inode.ino)
			files__add_alias(files, &inode, id);
	}
	return files__frame_id(files, id);
}

const struct file *files__get(const struct files *files, uint32_t id)
{
	return id && id <= files->cnt ? files->by_id[id - 1] : NULL;
}

uint64_t files__refused_cnt(const struct files *files)
{
	return files->refused_cnt;
}

uint32_t files__cnt(const struct files *files)
{
	return files->cnt;
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

uint64_t file__bias(const struct file *file, uint64_t start, uint64_t offset)
{
	uint32_t i;

	for (i = 0; i < file->segment_cnt; i++) {
		const struct file_segment *segment = &file->segments[i];
		uint64_t first = segment->offset & ~(PAGE_BYTES - 1);

		if (offset >= first && offset < segment->offset + segment->file_bytes)
			return start - offset + segment->offset - segment->vaddr;
	}
	return start -
	       offset; /* headers not known: most linkers give code the address of its file offset */
}

void file__build_id_hex(const struct file *file, char ret[2 * BUILD_ID_BYTES_MAX + 1])
{
	int i;

	ret[0] = '\0';
	for (i = 0; i < file->identity.build_id_len; i++)
		snprintf(ret + 2 * i, 3, "%02x", file->identity.build_id[i]);
}
