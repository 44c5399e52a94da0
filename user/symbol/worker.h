/* SPDX-License-Identifier: GPL-2.0 */
/* A short-lived child process for a library that a hostile file may crash, stall or bloat. */
#ifndef SYMBOL_WORKER_H
#define SYMBOL_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct worker {
	pid_t pid;
	int fd; /* of what the child writes */
	int64_t deadline_ns;
	size_t at, len;
	char buf[16 * 1024];
};

/*
 * Runs fn(out, arg) in a child with at most memory_bytes of its own memory and ms of CPU time, and
 * of wall clock time until the reader gives up. out: a descriptor to write to. The child dies with
 * its parent and leaves no core file. The parent gets a SIGCHLD, but has waited for the child when
 * worker__stop() returns.
 */
int worker__start(struct worker *worker, void (*fn)(int out, void *arg), void *arg,
	size_t memory_bytes, unsigned int ms);
/* Exactly bytes of what the child writes; false: it has ended, or its time is over. */
bool worker__read(struct worker *worker, void *buf, size_t bytes);
/* Ends the child and waits for it. true: it came to its end by itself and without an error. */
bool worker__stop(struct worker *worker);

#endif
