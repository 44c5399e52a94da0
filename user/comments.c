// SPDX-License-Identifier: GPL-2.0
/* What a profile's reader has to know beside its values. */
#include "comments.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/utsname.h>

void comments__add(struct comments *comments, const char *format, ...)
{
	va_list args;

	if (comments->cnt == COMMENTS_MAX)
		return;
	va_start(args, format);
	vsnprintf(comments->texts[comments->cnt], COMMENT_BYTES_MAX, format, args);
	va_end(args);
	comments->pointers[comments->cnt] = comments->texts[comments->cnt];
	comments->cnt++;
}

/* Figures of the tool's own work, which say nothing of the profile: --stats has them. */
static bool is_internal(enum counter counter)
{
	switch (counter) {
	case COUNTER_samples:
	case COUNTER_stacks_shipped:
	case COUNTER_stack_mark_failed:
	case COUNTER_mapping_unknown:
	case COUNTER_mapping_stale:
	case COUNTER_frames_user:
	case COUNTER_frames_raw:
	case COUNTER_end_root:
	case COUNTER_end_kernel:
	case COUNTER_end_exec:
	case COUNTER_offcpu_stacks:
		return true;
	default:
		return false;
	}
}

void comments__fill(struct comments *comments, const struct capture *capture)
{
	struct counter_values counters = {0};
	struct capture_losses losses;
	struct utsname name;
	int i;

	comments__add(comments, "bpfprof " BPFPROF_VERSION);
	if (!uname(&name))
		comments__add(comments, "kernel %.60s %.30s", name.release, name.machine);
	if (shared__read_counters(capture__shared(capture), &counters))
		comments__add(comments, "loss counters could not be read");
	for (i = 0; i < COUNTER__CNT; i++)
		if (counters.cnt[i] && !is_internal((enum counter)i))
			comments__add(comments, "%s %llu (%s)", counter_names[i],
				(unsigned long long)counters.cnt[i], counter_texts[i]);
	capture__losses(capture, &losses);
	if (losses.process_events)
		comments__add(comments, "process_events_lost %llu",
			(unsigned long long)losses.process_events);
	if (losses.stacks_refused)
		comments__add(
			comments, "stacks_refused %llu", (unsigned long long)losses.stacks_refused);
	if (losses.samples_refused)
		comments__add(comments, "samples_refused %llu",
			(unsigned long long)losses.samples_refused);
}
