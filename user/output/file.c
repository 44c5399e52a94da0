// SPDX-License-Identifier: GPL-2.0
/* A file that is there whole or not at all. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <sys/random.h>
#include <unistd.h>

#include "output/file.h"

#define SUFFIX_CHARS 6 /* as mkstemp's; letters and digits */
#define TRIES_MAX    100

static int random_suffix(char ret[SUFFIX_CHARS + 1])
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	uint8_t bytes[SUFFIX_CHARS];
	size_t i;

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return -errno;
	for (i = 0; i < SUFFIX_CHARS; i++)
		ret[i] = alphabet[bytes[i] % (sizeof(alphabet) - 1)];
	ret[SUFFIX_CHARS] = '\0';
	return 0;
}

/* mkostemp(3) with a directory descriptor, and with the mode of an ordinary file. A descriptor or
 * -errno. */
static int open_temporary(int dir_fd, const char *name, char ret_temporary[NAME_MAX + 1])
{
	char suffix[SUFFIX_CHARS + 1];
	int try;
	int err;
	int fd;

	for (try = 0; try < TRIES_MAX; try++) {
		err = random_suffix(suffix);
		if (err)
			return err;
		if (snprintf(ret_temporary, NAME_MAX + 1, ".%s.%s", name, suffix) > NAME_MAX)
			return -ENAMETOOLONG;
		fd = openat(dir_fd, ret_temporary,
			O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
		if (fd >= 0 || errno != EEXIST)
			return fd < 0 ? -errno : fd;
	}
	return -EEXIST;
}

/* Takes fd. */
static int write_and_sync(int fd, int (*fn)(FILE *out, void *arg), void *arg)
{
	FILE *out = fdopen(fd, "w");
	int err;

	if (!out) {
		err = -errno;
		close(fd);
		return err;
	}
	err = fn(out, arg);
	if (!err && (fflush(out) || fsync(fd)))
		err = -errno;
	if (fclose(out) && !err)
		err = -errno;
	return err;
}

int output_file__write(
	const char *dir, const char *name, int (*fn)(FILE *out, void *arg), void *arg)
{
	int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char temporary[NAME_MAX + 1];
	int err;
	int fd;

	if (dir_fd < 0)
		return -errno;
	fd = open_temporary(dir_fd, name, temporary);
	err = fd < 0 ? fd : write_and_sync(fd, fn, arg);
	if (!err && renameat(dir_fd, temporary, dir_fd, name))
		err = -errno;
	if (err && fd >= 0)
		unlinkat(dir_fd, temporary, 0);
	/* EINVAL: a file system that has no sync of directories. */
	if (!err && fsync(dir_fd) && errno != EINVAL)
		err = -errno;
	close(dir_fd);
	return err;
}
