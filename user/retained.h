/* SPDX-License-Identifier: GPL-2.0 */
/* The folder of profiles that are kept, a file each: "cpu-20261125T221300.123Z-60012ms.pb.gz". What is in a profile is in its
 * name, so that a folder is read without reading its files, and by people too. Other files are left alone. */
#ifndef BPFPROF_RETAINED_H
#define BPFPROF_RETAINED_H

#include <stddef.h>
#include <stdint.h>

#define RETAINED_NAME_MAX  80
#define RETAINED_FILES_MAX 200000 /* that are looked at */

struct retained {
	char name[RETAINED_NAME_MAX]; /* of the file */
	char profile[16];             /* "cpu" */
	int64_t start_ms, end_ms;     /* CLOCK_REALTIME */
	uint64_t bytes;
};

/* The name of the profile that began then. */
void retained__name(
	const char *profile, int64_t start_ms, int64_t duration_ms, char ret[RETAINED_NAME_MAX]);
/* 0 with all but bytes, or -EINVAL. */
int retained__parse(const char *name, struct retained *ret);
/* What dir holds, the oldest first; *ret is to be freed. 0 or -errno. */
int retained__list(const char *dir, struct retained **ret, size_t *ret_cnt);
/* Removes what ended before oldest_ms, and then the oldest until at most bytes_max are left. 0 or -errno of the first that
 * could not be removed. */
int retained__prune(const char *dir, uint64_t bytes_max, int64_t oldest_ms);
/* Removes the temporary files that a run left which was killed while it wrote. */
void retained__clean(const char *dir);

#endif
