// SPDX-License-Identifier: GPL-2.0
/* Which processes a user may look at. */
#include "serve/access.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATUS_BYTES_MAX                                                                           \
	16384 /* Groups: may list many; what is read here stands above it, but CapPrm */

/* The line that begins with key. A name cannot hold a newline there: the kernel escapes it. */
static const char *status__find(const char *text, const char *key)
{
	size_t bytes = strlen(key);
	const char *line = text;

	while (line && strncmp(line, key, bytes)) {
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	return line ? line + bytes : NULL;
}

static bool status__ids(const char *text, const char *key, uint32_t ret[4])
{
	const char *line = status__find(text, key);

	return line && sscanf(line, "%" SCNu32 "%" SCNu32 "%" SCNu32 "%" SCNu32, &ret[0], &ret[1],
			       &ret[2], &ret[3]) == 4;
}

int access_creds__parse(const char *text, struct access_creds *ret)
{
	const char *tgid = status__find(text, "Tgid:"), *caps = status__find(text, "CapPrm:");
	struct access_creds creds;

	if (!tgid || sscanf(tgid, "%" SCNu32, &creds.tgid) != 1 || !caps ||
		sscanf(caps, "%" SCNx64, &creds.permitted) != 1 ||
		!status__ids(text, "Uid:", creds.uids) || !status__ids(text, "Gid:", creds.gids))
		return -EINVAL;
	*ret = creds;
	return 0;
}

static int status__read(int dir_fd, char *buf, size_t buf_bytes)
{
	int fd = openat(dir_fd, "status", O_RDONLY | O_CLOEXEC);
	size_t at = 0;
	ssize_t n = -1;

	if (fd < 0)
		return -ESRCH;
	while (at < buf_bytes - 1 && (n = read(fd, buf + at, buf_bytes - 1 - at)) > 0)
		at += (size_t)n;
	close(fd);
	buf[at] = '\0';
	return n < 0 ? -ESRCH : 0;
}

static bool creds__are_of(const struct access_creds *creds, const struct peer *peer)
{
	int i;

	for (i = 0; i < 3; i++) {
		if (creds->uids[i] != peer->uid)
			return false;
		/* The gid of a loopback client is not known. One process has then to be of one gid. */
		if (creds->gids[i] != (peer->kind == PEER_UNIX ? peer->gid : creds->gids[0]))
			return false;
	}
	return !creds->permitted;
}

/* One descriptor of /proc/PID for all of it: the pid may get another owner in between. */
static int access__check_dir(
	const struct peer *peer, uint32_t pid, int dir_fd, uint32_t *ret_leader)
{
	char text[STATUS_BYTES_MAX];
	struct access_creds creds;
	struct stat owner;
	int err = status__read(dir_fd, text, sizeof(text));

	if (err)
		return err;
	if (access_creds__parse(text, &creds))
		return -EPERM;
	if (creds.tgid != pid) {
		if (ret_leader)
			*ret_leader = creds.tgid;
		return -EINVAL;
	}
	if (peer->uid == 0)
		return 0;
	/* The kernel gives the files of a process that is not dumpable to root: task_dump_owner(), fs/proc/base.c. */
	if (fstatat(dir_fd, "mem", &owner, 0))
		return -ESRCH;
	return creds__are_of(&creds, peer) && owner.st_uid == peer->uid ? 0 : -EPERM;
}

int access__check(const struct peer *peer, uint32_t pid, uint32_t *ret_leader)
{
	char path[32];
	int dir_fd, err;

	snprintf(path, sizeof(path), "/proc/%" PRIu32, pid);
	dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return -ESRCH;
	err = access__check_dir(peer, pid, dir_fd, ret_leader);
	close(dir_fd);
	return err;
}
