/* SPDX-License-Identifier: GPL-2.0 */
/* A gzip stream into a stdio stream, whose bytes depend on nothing but what is written. */
#ifndef OUTPUT_GZIP_H
#define OUTPUT_GZIP_H

#include <stddef.h>
#include <stdio.h>

struct gzip;

/* out is borrowed. NULL: out of memory. */
struct gzip *gzip__new(FILE *out);
/* Without gzip__finish what was written is no whole gzip file. */
void gzip__free(struct gzip *gzip);
/* 0, or -errno of writing to out. */
int gzip__write(struct gzip *gzip, const void *data, size_t bytes);
/* Writes what is left and flushes out. 0 or -errno. */
int gzip__finish(struct gzip *gzip);

#endif
