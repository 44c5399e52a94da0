/* SPDX-License-Identifier: GPL-2.0 */
/* A file that is there whole or not at all. */
#ifndef OUTPUT_FILE_H
#define OUTPUT_FILE_H

#include <stdio.h>

/*
 * Writes dir/name: fn writes to a temporary file ".name.XXXXXX" beside it, which is synced, then
 * renamed over name; then dir is synced. Mode 0644 less the umask. 0, or -errno of the first
 * failure (of fn: what it returned): the temporary file is removed and what name was before stays.
 * Killed in between, the temporary file is left.
 */
int output_file__write(
	const char *dir, const char *name, int (*fn)(FILE *out, void *arg), void *arg);

#endif
