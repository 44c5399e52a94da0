/* SPDX-License-Identifier: GPL-2.0 */
/* What a profile's reader has to know beside its values: version, kernel, and every counter of something lost or cut that is
 * not zero. */
#ifndef BPFPROF_COMMENTS_H
#define BPFPROF_COMMENTS_H

#include <stddef.h>

#include "capture.h"

#define COMMENTS_MAX      (COUNTER__CNT + CAPTURE_COUNTERS_MAX + 12)
#define COMMENT_BYTES_MAX 256

struct comments {
	char texts[COMMENTS_MAX][COMMENT_BYTES_MAX];
	const char *pointers[COMMENTS_MAX];
	size_t cnt;
};

void comments__add(struct comments *comments, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* For the profile of that name ("heap"; allocs is the heap's) of process pid, 0: of all. */
void comments__fill(struct comments *comments, const struct capture *capture, const char *profile,
	uint32_t pid);

#endif
