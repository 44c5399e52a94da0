/* SPDX-License-Identifier: GPL-2.0 */
/* The processes of --pid: do they exist, and when has the last of them ended. */
#ifndef BPFPROF_WATCH_H
#define BPFPROF_WATCH_H

#include <stddef.h>
#include <sys/types.h>

#include "loop.h"

struct watch;

/* 0, -ESRCH: no such process, -EINVAL: pid is a thread of process *ret_leader. */
int watch__check(pid_t pid, pid_t *ret_leader);
/* Calls fn once when every pid has ended. */
int watch__new(struct loop *loop, const pid_t *pids, size_t pid_cnt, loop_fn fn, void *arg,
	struct watch **ret);
void watch__free(struct watch *watch);

#endif
