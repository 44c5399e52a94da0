/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's set of profiled processes, kept true over forks and exits. */
#ifndef COLLECT_TARGETS_H
#define COLLECT_TARGETS_H

#include <stdbool.h>

struct shared;
struct targets;

/* Attaches the programs that keep the set; with follow_children what a target forks joins it. -errno with *ret_reason,
 * a static string. */
int targets__open(
	struct shared *shared, bool follow_children, struct targets **ret, const char **ret_reason);
void targets__close(struct targets *targets);

#endif
