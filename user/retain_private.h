/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BPFPROF_RETAIN_PRIVATE_H
#define BPFPROF_RETAIN_PRIVATE_H

#include "folder.h"
#include "retain.h"
#include "serve/job.h"

/* A profile's minute, and the one that follows. */
struct retain_ring {
	const char *profile; /* of the collector, a static string */
	struct tap *now, *next;
};

struct retain {
	const struct options_retain *options;
	struct folder folder;
	bool is_started; /* the folder is to stay */
	struct loop *loop;
	struct capture *capture;
	int epoll_fd; /* of the writers */
	struct jobs *jobs;
	struct retain_ring rings[CAPTURE_PROFILES_MAX];
	size_t ring_cnt;
	uint64_t written_cnt, failed_cnt, row_cnt; /* row_cnt: failures since the last success */
};

#endif
