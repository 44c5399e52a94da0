// SPDX-License-Identifier: GPL-2.0
/* Opens a process's perf map inside of its mount namespace without being led out of it. */
#include "symbol/perf_map.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "process/proc.h"
#include "process/regular_file.h"

static ssize_t read_text(int dir, const char *name, char *buf, size_t buf_bytes)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, buf, buf_bytes - 1);
	if (n < 0)
		n = -errno;
	else
		buf[n] = '\0';
	close(fd);
	return n;
}

int process_ids__parse(const char *status, struct process_ids *ret)
{
	struct process_ids ids = {0};
	const char *line = strstr(status, "\nUid:");

	if (!line || sscanf(line, "\nUid: %u %u", &ids.real, &ids.effective) != 2)
		return -ESRCH;
	line = strstr(status, "\nNSpid:");
	if (!line)
		return -ESRCH;
	for (line += strlen("\nNSpid:"); *line == '\t' || *line == ' ';) {
		char *end;

		ids.ns_pid = strtoul(line, &end, 10);
		if (end == line)
			break;
		line = end;
	}
	*ret = ids;
	return 0;
}

static int read_ids(int dir, struct process_ids *ret)
{
	char text[4096];
	ssize_t n = read_text(dir, "status", text, sizeof(text));

	return n < 0 ? n : process_ids__parse(text, ret);
}

/* Field 22 of stat, start in clock ticks since boot, agrees with start_ns to the tick. */
static bool started_at(int dir, uint64_t start_ns)
{
	uint64_t tick_ns = proc_stat__tick_ns();
	unsigned long long ticks;
	char text[1024];
	const char *field;

	if (read_text(dir, "stat", text, sizeof(text)) < 0)
		return false;
	field = strrchr(text, ')');
	for (unsigned int i = 2; field && i < 22; i++)
		field = strchr(field + 1, ' ');
	if (!field || sscanf(field, " %llu", &ticks) != 1)
		return false;
	return start_ns / tick_ns + 1 >= ticks && start_ns / tick_ns <= ticks + 1;
}

static int check_owner(int fd, uid_t real, uid_t effective)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || (st.st_uid != 0 && st.st_uid != real && st.st_uid != effective))
		return -EPERM;
	/* One of root's is taken only if the process could read it: its owner may have mounted any file there. */
	if (st.st_uid != real && st.st_uid != effective && !(st.st_mode & S_IROTH))
		return -EPERM;
	return 0;
}

static int open_of_live(int dir, uint64_t start_ns, struct process_ids *ids)
{
	char name[64];
	int root, fd, err;

	if (start_ns && !started_at(dir, start_ns))
		return -ESRCH;
	err = read_ids(dir, ids);
	if (err)
		return err;
	root = openat(dir, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return -errno;
	snprintf(name, sizeof(name), "tmp/perf-%u.map", ids->ns_pid);
	fd = root__open(root, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	close(root);
	return fd;
}

/* What a process that is gone has left in our own /tmp; nothing tells whose it was any more, so
 * it must be ours or root's, as for perf. */
static int open_of_dead(uint32_t pid, struct process_ids *ids)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/tmp/perf-%u.map", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	ids->real = ids->effective = geteuid();
	return fd < 0 ? -errno : fd;
}

/* fd, or why it is not taken. */
static int checked(int fd, const struct process_ids *ids)
{
	int err = fd < 0 ? fd : check_owner(fd, ids->real, ids->effective);

	if (fd >= 0 && err)
		close(fd);
	return err ? err : fd;
}

int perf_map__open_live(const char *proc_dir, uint32_t pid, uint64_t start_ns)
{
	struct process_ids ids;
	char path[4096];
	int dir, fd;

	snprintf(path, sizeof(path), "%s/%u", proc_dir, pid);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -ENXIO;
	fd = open_of_live(dir, start_ns, &ids);
	close(dir);
	return checked(fd, &ids);
}

int perf_map__open(const char *proc_dir, uint32_t pid, uint64_t start_ns)
{
	int fd = perf_map__open_live(proc_dir, pid, start_ns);
	struct process_ids ids;

	if (fd != -ENXIO)
		return fd;
	fd = open_of_dead(pid, &ids);
	return checked(fd, &ids);
}
