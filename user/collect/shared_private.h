/* SPDX-License-Identifier: GPL-2.0 */
/* The inside of struct shared, for shared.c and shared_stats.c alone. */
#ifndef COLLECT_SHARED_PRIVATE_H
#define COLLECT_SHARED_PRIVATE_H

#include "collect/shared.h"

#define SHARED_CNT  14
#define OBJECTS_MAX 16

struct shared {
	struct prog_options options;
	struct shared_sizes sizes;
	int fds[SHARED_CNT]; /* -1: no object created it yet */
	void *memory[SHARED_CNT];
	size_t memory_bytes[SHARED_CNT];
	struct control *control;
	struct epoch_users *users;
	struct bpf_object *objects[OBJECTS_MAX];
	int object_cnt;
};

#endif
