/* SPDX-License-Identifier: GPL-2.0 */
/* Which processes a user may look at: those that ptrace(2) would let them read (PTRACE_MODE_READ_REALCREDS, what
 * perf_event_open(2) asks too), told from /proc since the daemon may see all. */
#ifndef SERVE_ACCESS_H
#define SERVE_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "serve/peer.h"

/* What /proc/PID/status says; real, effective, saved and file system ids. */
struct access_creds {
	uint32_t tgid;
	uint32_t uids[4], gids[4];
	uint64_t permitted; /* capabilities */
};

/* Parses the text of a status file, of which the process chose the Name line. 0 or -EINVAL. */
int access_creds__parse(const char *text, struct access_creds *ret);
/* 0; -EPERM; -ESRCH: no such process; -EINVAL: pid is a thread, *ret_leader its process (may be NULL). Root may see all. */
int access__check(const struct peer *peer, uint32_t pid, uint32_t *ret_leader);

#endif
