// SPDX-License-Identifier: GPL-2.0
/* Reading a BPF iterator over threads. */
#include "collect/iterator.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "collect/shared.h"

#define SCOPES_MAX 64 /* more processes than these are read with all others */

int iterator__attach(struct bpf_program *program, const struct iterator_scope *scope, int *ret_fd)
{
	union bpf_iter_link_info info = {0};
	LIBBPF_OPTS(bpf_link_create_opts, options);
	int fd;

	info.task.pid = scope->tid ? 0 : scope->pid;
	info.task.tid = scope->tid;
	if (scope->pid || scope->tid) {
		options.iter_info = &info;
		options.iter_info_len = sizeof(info);
	}
	fd = bpf_link_create(bpf_program__fd(program), 0, BPF_TRACE_ITER, &options);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

int iterator__read(int link_fd, size_t record_bytes, size_t batch_cnt, iterator_fn fn, void *arg)
{
	char *batch = malloc(record_bytes * batch_cnt);
	int fd, err = 0;

	if (!batch)
		return -ENOMEM;
	fd = bpf_iter_create(link_fd);
	if (fd < 0) {
		err = -errno;
		free(batch);
		return err;
	}
	while (!err) {
		/* The kernel never parts a record whose size divides the room. */
		ssize_t bytes = read(fd, batch, record_bytes * batch_cnt);

		if (!bytes)
			break;
		if (bytes > 0)
			err = fn(batch, (size_t)bytes / record_bytes, arg);
		else if (errno != EINTR && errno != EAGAIN)
			err = -errno;
	}
	close(fd);
	free(batch);
	return err;
}

int iterator__pass(struct bpf_program *program, const struct iterator_scope *scope,
	size_t record_bytes, size_t batch_cnt, iterator_fn fn, void *arg)
{
	int link_fd, err = iterator__attach(program, scope, &link_fd);

	if (err)
		return err == -ESRCH ? 0 : err;
	err = iterator__read(link_fd, record_bytes, batch_cnt, fn, arg);
	close(link_fd);
	return err;
}

/* The targets, when they are few: how many; else -1. */
static int shared__few_targets(const struct shared *shared, uint32_t pids[SCOPES_MAX])
{
	int fd = shared__map_fd(shared, "targets"), cnt = 0;
	uint32_t next, *key = NULL;

	if (shared__options(shared)->all_processes)
		return -1;
	while (!bpf_map_get_next_key(fd, key, &next)) {
		if (cnt == SCOPES_MAX)
			return -1;
		pids[cnt] = next;
		key = &pids[cnt++];
	}
	return cnt;
}

int iterator__pass_targets(const struct shared *shared, struct bpf_program *program,
	size_t record_bytes, size_t batch_cnt, iterator_fn fn, void *arg)
{
	struct iterator_scope scope = {0};
	uint32_t pids[SCOPES_MAX];
	int cnt = shared__few_targets(shared, pids), i, err = 0;

	if (cnt < 0)
		return iterator__pass(program, &scope, record_bytes, batch_cnt, fn, arg);
	for (i = 0; !err && i < cnt; i++) {
		scope.pid = pids[i];
		err = iterator__pass(program, &scope, record_bytes, batch_cnt, fn, arg);
	}
	return err;
}
