/* SPDX-License-Identifier: GPL-2.0 */
/*
 * --retain: what the host did a while ago. Every profile of -P that counts has a tap, a minute after the other and with no gap
 * between them; a child process names and writes what one has counted, so that no line and no drain is late for a disk.
 */
#ifndef BPFPROF_RETAIN_H
#define BPFPROF_RETAIN_H

#include "capture.h"
#include "loop.h"
#include "options.h"
#include "serve/source.h"

struct retain;

/* Before anything is loaded: a folder that cannot be used ends the run at once. Logs. 0 or -errno; *ret is NULL when nothing is
 * to be kept. */
int retain__open(const struct options_retain *options, struct retain **ret);
/* The first minute begins. After privileges were given up: what is not allowed then is told now. Logs; 0 or -errno. */
int retain__start(struct retain *retain, struct loop *loop, struct capture *capture);
/* After each capture__drain() that returned 0. Accepts NULL. */
void retain__on_drained(struct retain *retain);
/* After capture__stop(): writes the minute that is not over. Accepts NULL. */
void retain__finish(struct retain *retain);
void retain__close(struct retain *retain); /* accepts NULL; before capture is freed */
/* Profiles that could not be kept; how many were. */
uint64_t retain__failed_cnt(const struct retain *retain);
uint64_t retain__written_cnt(const struct retain *retain);

/* In a child process: struct serve_source's write_past. */
int retain__write_past(
	const struct retain *retain, const struct serve_past_request *request, FILE *out);

#endif
