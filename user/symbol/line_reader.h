/* SPDX-License-Identifier: GPL-2.0 */
/* Text read line by line through one buffer. */
#ifndef SYMBOL_LINE_READER_H
#define SYMBOL_LINE_READER_H

#include <stdbool.h>
#include <stddef.h>

/* Longer lines are skipped. */
#define LINE_BYTES_MAX 4096

/*
 * Calls fn for each complete line, without its newline, of what fd has from here to its end, of at
 * most bytes_max bytes; fn stops it by returning false. 0; -EFBIG: there is more; -errno of
 * read(2).
 */
int line_reader__each(
	int fd, size_t bytes_max, bool (*fn)(const char *line, size_t len, void *arg), void *arg);

#endif
