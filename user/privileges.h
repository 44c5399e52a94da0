/* SPDX-License-Identifier: GPL-2.0 */
/* Capabilities: which there are, and giving up those that are needed no more once everything is attached. */
#ifndef BPFPROF_PRIVILEGES_H
#define BPFPROF_PRIVILEGES_H

#include <stdbool.h>
#include <stdint.h>
#include <linux/capability.h>

#define CAP_MASK(cap) (1ull << (cap))

/* What bpfprof needs all the time: to load and attach profiles on demand, to see the processes and files of all users, and the
 * kernel's addresses. Without the last one, which the kernel asks for to open a mapping (/proc/PID/map_files), files that were
 * deleted or replaced while they run could not be read. */
#define PRIVILEGES_NEEDED                                                                          \
	(CAP_MASK(CAP_BPF) | CAP_MASK(CAP_PERFMON) | CAP_MASK(CAP_SYS_PTRACE) |                    \
		CAP_MASK(CAP_DAC_READ_SEARCH) | CAP_MASK(CAP_SYSLOG) |                             \
		CAP_MASK(CAP_CHECKPOINT_RESTORE))

/* Capabilities in effect, a bit each; 0 when they cannot be told. */
uint64_t privileges__effective(void);
bool privileges__has(int cap);
/* Debian's kernels know a level 3, at which CAP_PERFMON is not enough (CONFIG_SECURITY_PERF_EVENTS_RESTRICT). -1: not known. */
int privileges__perf_event_paranoid(void);

/*
 * Gives up every capability but keep, for this process and all that it starts from now on: the bounding set too (where
 * CAP_SETPCAP allows it), and no program that is executed gains any. Of later, what is there stays permitted but is not in
 * effect before privileges__raise(). 0 or -errno.
 */
int privileges__drop(uint64_t keep, uint64_t later);
/* Puts those of caps that are still permitted into effect. */
void privileges__raise(uint64_t caps);

#endif
