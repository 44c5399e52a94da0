// SPDX-License-Identifier: GPL-2.0
/* What a capture holds, and for how long: files that are open, and memory that a burst took. */
#include "capture_private.h"

#include <malloc.h>
#include <stdlib.h>

#include "process/clock.h"

#define RELEASE_PERIOD_NS (30 * NS_PER_S)

/* Since when stacks are kept: by the profile, or the window, that began first. */
static uint64_t capture__kept_since(const struct capture *capture, uint64_t now_ns)
{
	uint64_t since_ns = now_ns;
	const struct tap *tap;
	size_t i;

	for (i = 0; i < capture->profile_cnt; i++) {
		const struct capture_profile *entry = &capture->profiles[i];

		if (entry->keep && entry->start_ns && entry->start_ns < since_ns)
			since_ns = entry->start_ns;
		for (tap = entry->taps; tap; tap = tap->next)
			if (tap->is_running && tap->start_ns < since_ns)
				since_ns = tap->start_ns;
	}
	return since_ns;
}

void capture__release_files(struct capture *capture)
{
	uint64_t now_ns = clock__ns(CLOCK_MONOTONIC);
	uint32_t file_cnt = files__cnt(capture->files);
	bool *is_mapped;

	/* A profile of the whole run names what ended long ago. */
	if (capture->keep_profile || !shared__options(capture->shared)->all_processes ||
		now_ns - capture->release_ns < RELEASE_PERIOD_NS)
		return;
	capture->release_ns = now_ns;
	is_mapped = calloc(file_cnt + 1, sizeof(*is_mapped));
	if (!is_mapped)
		return;
	processes__mark_files(capture->processes, is_mapped, file_cnt);
	if (files__release(capture->files, is_mapped, now_ns, capture__kept_since(capture, now_ns)))
		capture->release_ns = 0; /* the next drain goes on */
	free(is_mapped);
	malloc_trim(0);
}
