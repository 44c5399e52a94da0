// SPDX-License-Identifier: GPL-2.0
/* What a profile's reader has to know beside its values. */
#include "comments.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "collect/heap.h"

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
	case COUNTER_samples_ns:
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

static void comments__add_remarks(
	struct comments *comments, const struct collector *heap, uint32_t pid)
{
	char text[COMMENT_BYTES_MAX];
	size_t i;

	for (i = 0; heap__remark(heap, pid, i, text, sizeof(text)); i++)
		comments__add(comments, "%s", text);
}

void comments__fill(
	struct comments *comments, const struct capture *capture, const char *profile, uint32_t pid)
{
	struct counter_values counters = {0};
	struct capture_counter own[CAPTURE_COUNTERS_MAX];
	struct utsname name;
	size_t own_cnt, k;
	int i;

	comments__add(comments, "bpfprof " BPFPROF_VERSION);
	if (!uname(&name))
		comments__add(comments, "kernel %.60s %.30s", name.release, name.machine);
	if (!strcmp(profile, "heap") && capture__heap(capture))
		comments__add_remarks(comments, capture__heap(capture), pid);
	if (shared__read_counters(capture__shared(capture), &counters))
		comments__add(comments, "loss counters could not be read");
	for (i = 0; i < COUNTER__CNT; i++)
		if (counters.cnt[i] && !is_internal((enum counter)i))
			comments__add(comments, "%s %llu (%s)", counter_names[i],
				(unsigned long long)counters.cnt[i], counter_texts[i]);
	own_cnt = capture__counters(capture, own);
	for (k = 0; k < own_cnt; k++)
		if (own[k].value)
			comments__add(comments, "%s %llu (%s)", own[k].name,
				(unsigned long long)own[k].value, own[k].text);
}
