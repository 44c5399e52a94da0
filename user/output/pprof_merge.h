/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Several pprof files as one: their messages follow one another, with ids and string numbers moved so that they do not meet.
 * What is the same in two of them stands there twice, as pprof's readers allow; values are not added up.
 */
#ifndef OUTPUT_PPROF_MERGE_H
#define OUTPUT_PPROF_MERGE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct pprof_merge;

/* Writes a gzip'ed profile to out, which is borrowed; pid: only samples with this label, 0: all. NULL: out of memory. */
struct pprof_merge *pprof_merge__new(FILE *out, uint32_t pid);
void pprof_merge__free(struct pprof_merge *merge); /* accepts NULL */
/* Adds a profile.proto message, not compressed. 0; -EINVAL: it is none, or of other sample types than the first; -errno. After
 * a failure what is written is no profile. */
int pprof_merge__add(struct pprof_merge *merge, const void *data, size_t bytes);
/* 0 or -errno. */
int pprof_merge__finish(struct pprof_merge *merge);

#endif
