// SPDX-License-Identifier: GPL-2.0
/* A pidfd for each process of --pid. */
#include "watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

struct watched {
	struct watch *watch;
	int fd;
};

struct watch {
	struct loop *loop;
	loop_fn fn;
	void *arg;
	size_t alive_cnt;
	size_t cnt;
	struct watched processes[];
};

int watch__check(pid_t pid, pid_t *ret_leader)
{
	char path[64], line[128];
	int leader = 0;
	FILE *status;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	status = fopen(path, "re");
	if (!status)
		return -ESRCH;
	while (fgets(line, sizeof(line), status))
		if (sscanf(line, "Tgid: %d", &leader) == 1)
			break;
	fclose(status);
	if (leader == pid)
		return 0;
	*ret_leader = leader;
	return leader ? -EINVAL : -ESRCH;
}

static void watched__on_exit(void *arg)
{
	struct watched *watched = arg;
	struct watch *watch = watched->watch;

	loop__remove_fd(watch->loop, watched->fd);
	if (--watch->alive_cnt == 0)
		watch->fn(watch->arg);
}

int watch__new(struct loop *loop, const pid_t *pids, size_t pid_cnt, loop_fn fn, void *arg,
	struct watch **ret)
{
	struct watch *watch = calloc(1, sizeof(*watch) + pid_cnt * sizeof(watch->processes[0]));
	size_t i;
	int err;

	if (!watch)
		return -ENOMEM;
	watch->loop = loop;
	watch->fn = fn;
	watch->arg = arg;
	for (i = 0; i < pid_cnt; i++) {
		struct watched *watched = &watch->processes[i];

		watched->watch = watch;
		watched->fd = (int)syscall(SYS_pidfd_open, pids[i], 0);
		if (watched->fd < 0) {
			err = -errno;
			goto out;
		}
		watch->cnt++;
		err = loop__add_fd(loop, watched->fd, watched__on_exit, watched);
		if (err)
			goto out;
		watch->alive_cnt++;
	}
	*ret = watch;
	return 0;
out:
	watch__free(watch);
	return err;
}

void watch__free(struct watch *watch)
{
	size_t i;

	if (!watch)
		return;
	for (i = 0; i < watch->cnt; i++)
		close(watch->processes[i].fd);
	free(watch);
}
