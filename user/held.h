/* SPDX-License-Identifier: GPL-2.0 */
/* CMD waits on its way to main() until its files are known: its first stacks are as complete as any. */
#ifndef BPFPROF_HELD_H
#define BPFPROF_HELD_H

#include <sys/types.h>

#include "capture.h"

struct held;

/* Before CMD, a child of ours, calls execve(2). NULL: it will not be held, since the kernel cannot. What it waits then is in no
 * profile of waits. */
struct held *held__new(struct capture *capture, pid_t pid);
/* When a child has stopped or ended. */
void held__on_child(struct held *held);
/* CMD is held no more. */
void held__free(struct held *held);

#endif
