/* SPDX-License-Identifier: GPL-2.0 */
/* What a capture leaves out to cost less, and takes up again. Which, and when, is the budget's to say (budget.h). */
#ifndef BPFPROF_CAPTURE_SHED_H
#define BPFPROF_CAPTURE_SHED_H

#include <stdbool.h>
#include <stdint.h>

#include "capture.h"

#define CAPTURE_THIN_MAX 3

/* Takes one CPU sample in 2^thin, 0 to CAPTURE_THIN_MAX; each stands for as many, so that counts and times stay what they
 * were. 0; -ENOENT: no CPU profile is taken; -errno: as it was, or with some CPUs thinned already. */
int capture__thin(struct capture *capture, uint32_t thin);
uint32_t capture__thinned(const struct capture *capture);
/* On: throws all unwind tables away (those that stacks need are built again, in half the room), and keeps no stack or sample
 * key that it does not hold yet: they are counted as [lost]. Off: all of it again. */
void capture__save_memory(struct capture *capture, bool on);

#endif
