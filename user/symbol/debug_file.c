// SPDX-License-Identifier: GPL-2.0
/* Finds separate debug files by build id and by debug link. */
#include "symbol/debug_file.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "process/regular_file.h"
#include "symbol/elf_view.h"

#define DEBUG_ID_BYTES_MIN 2
#define DEBUG_ID_BYTES_MAX 64
#define PATH_BYTES         4096
/* A file without a build id is read whole for its checksum. */
#define CHECKSUM_BYTES_MAX (256u << 20)

struct build_id {
	unsigned char bytes[DEBUG_ID_BYTES_MAX];
	size_t len; /* 0: none */
};

static struct build_id read_build_id(const struct elf_view *view)
{
	const struct elf_section *section = elf_view__find(view, ".note.gnu.build-id");
	struct build_id id = {.len = 0};
	Elf64_Nhdr note;
	char name[4];

	if (!section || section->type != SHT_NOTE ||
		elf_view__read(view, &note, sizeof(note), section->offset) != sizeof(note) ||
		note.n_type != NT_GNU_BUILD_ID || note.n_namesz != sizeof(name) ||
		note.n_descsz < DEBUG_ID_BYTES_MIN || note.n_descsz > DEBUG_ID_BYTES_MAX ||
		elf_view__read(view, name, sizeof(name), section->offset + sizeof(note)) !=
			sizeof(name) ||
		memcmp(name, "GNU", sizeof(name)) != 0 ||
		elf_view__read(view, id.bytes, note.n_descsz,
			section->offset + sizeof(note) + sizeof(name)) != note.n_descsz)
		return id;
	id.len = note.n_descsz;
	return id;
}

/* Whoever may read the binary may not therefore read what it names as its debug file, or a link in its place: that must be
 * everybody's, or the same user's. */
static bool is_readable_with(int fd, int binary_fd)
{
	struct stat st, binary;

	if (fstat(fd, &st))
		return false;
	return st.st_mode & S_IROTH || (!fstat(binary_fd, &binary) && st.st_uid == binary.st_uid);
}

static bool has_build_id(int fd, const struct build_id *id)
{
	struct build_id found;
	struct elf_view view;

	if (elf_view__open(&view, fd) != 0)
		return false;
	found = read_build_id(&view);
	elf_view__close(&view);
	return found.len == id->len && memcmp(found.bytes, id->bytes, id->len) == 0;
}

static bool has_checksum(int fd, uint32_t checksum)
{
	unsigned char buf[64 * 1024];
	uint32_t found = crc32(0, NULL, 0);
	off_t offset = 0;
	ssize_t n;

	while ((n = pread(fd, buf, sizeof(buf), offset)) > 0) {
		found = crc32(found, buf, n);
		offset += n;
		if (offset > (off_t)CHECKSUM_BYTES_MAX)
			return false;
	}
	return n == 0 && found == checksum;
}

static int open_with_build_id(const char *path, const struct build_id *id)
{
	int fd = regular_file__open(path);

	if (fd >= 0 && !has_build_id(fd, id)) {
		close(fd);
		return -ENOENT;
	}
	return fd;
}

static int open_by_build_id(const struct build_id *id, const char *debug_dir)
{
	char path[PATH_BYTES], hex[2 * DEBUG_ID_BYTES_MAX + 1];

	for (size_t i = 0; i < id->len; i++)
		snprintf(hex + 2 * i, 3, "%02x", id->bytes[i]);
	if (snprintf(path, sizeof(path), "%s/.build-id/%.2s/%s.debug", debug_dir, hex, hex + 2) >=
		(int)sizeof(path))
		return -ENOENT;
	return open_with_build_id(path, id);
}

/* .gnu_debuglink: a file name, padded to four bytes, and the CRC-32 of that file. */
static bool read_link(const struct elf_view *view, char name[256], uint32_t *ret_checksum)
{
	const struct elf_section *section = elf_view__find(view, ".gnu_debuglink");
	char data[256 + 8];
	size_t len;
	int64_t n;

	if (!section || section->type == SHT_NOBITS || section->flags & SHF_COMPRESSED ||
		section->size > sizeof(data))
		return false;
	n = elf_view__read(view, data, section->size, section->offset);
	if (n < 8)
		return false;
	len = strnlen(data, n);
	if (len == 0 || len > 255 || memchr(data, '/', len) || strcmp(data, ".") == 0 ||
		((len + 4) & ~(size_t)3) + 4 > (size_t)n)
		return false;
	memcpy(name, data, len + 1);
	memcpy(ret_checksum, data + ((len + 4) & ~(size_t)3), sizeof(*ret_checksum));
	return true;
}

static int open_by_link(const struct elf_view *view, const struct build_id *id, const char *file,
	const char *debug_dir)
{
	const char *const formats[] = {
		"%2$.*1$s/.debug/%3$s", "%4$s%2$.*1$s/%3$s", "%2$.*1$s/%3$s"};
	char path[PATH_BYTES], name[256];
	const char *slash = strrchr(file, '/');
	uint32_t checksum;

	if (file[0] != '/' || !read_link(view, name, &checksum))
		return -ENOENT;
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		int fd;

		if (snprintf(path, sizeof(path), formats[i], (int)(slash - file), file, name,
			    debug_dir) >= (int)sizeof(path) ||
			strcmp(path, file) == 0)
			continue;
		fd = regular_file__open(path);
		if (fd < 0)
			continue;
		if (is_readable_with(fd, view->fd) &&
			(id->len ? has_build_id(fd, id) : has_checksum(fd, checksum)))
			return fd;
		close(fd);
	}
	return -ENOENT;
}

int debug_file__open(const struct elf_view *view, const char *path, const char *debug_dir)
{
	struct build_id id = read_build_id(view);
	int fd = -ENOENT;

	if (id.len)
		fd = open_by_build_id(&id, debug_dir);
	if (fd < 0 && path)
		fd = open_by_link(view, &id, path, debug_dir);
	return fd;
}

int debug_file__open_path(const struct elf_view *view, const char *path)
{
	struct build_id id = read_build_id(view);

	return id.len ? open_with_build_id(path, &id) : -ENOENT;
}
