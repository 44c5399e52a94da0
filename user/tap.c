// SPDX-License-Identifier: GPL-2.0
/* A reader of one profile from now on. */
#include "tap.h"

#include <stdlib.h>

/* Of samples: a tap of one process needs fewer. Past it they are [lost], by process. */
#define HOST_SAMPLES_MAX    32768
#define PROCESS_SAMPLES_MAX 16384

struct tap *tap__new(const struct profile_kind *kind, const struct stack_table *stacks,
	uint32_t pid, uint64_t born_max_ns)
{
	struct profile_limits limits = {
		.samples_max = pid ? PROCESS_SAMPLES_MAX : HOST_SAMPLES_MAX};
	struct tap *tap = calloc(1, sizeof(*tap));

	if (!tap)
		return NULL;
	tap->pid = pid;
	tap->born_max_ns = born_max_ns;
	tap->profile = profile__new(kind, stacks, &limits);
	if (!tap->profile) {
		free(tap);
		return NULL;
	}
	return tap;
}

void tap__free(struct tap *tap)
{
	if (!tap)
		return;
	profile__free(tap->profile);
	free(tap);
}

bool tap__wants(const struct tap *tap, const struct sample_key *key)
{
	if (!tap->is_running || tap->is_done)
		return false;
	return !tap->pid || (tap->pid == key->pid && key->start_ns <= tap->born_max_ns);
}
