/* SPDX-License-Identifier: GPL-2.0 */
/* Stacks that the kernel half sends, each once; raw frames are normalised here from the process table. */
#ifndef COLLECT_STACK_RING_H
#define COLLECT_STACK_RING_H

#include <stdint.h>

#include "bpfprof.h"
#include "process/process.h"

struct stack_ring;

/* frames: record->kernel_cnt + record->user_cnt of them. 0, or an error that ends the drain. */
typedef int (*stack_fn)(const struct stack_record *record, const uint64_t *frames, void *arg);

/* A stack waits for this file's unwind table. */
typedef void (*table_request_fn)(uint32_t file_id, void *arg);

/* One that nothing but stack_ring__add() fills. NULL: out of memory. */
struct stack_ring *stack_ring__new(table_request_fn on_request, void *arg);
int stack_ring__open(int map_fd, table_request_fn on_request, void *arg, struct stack_ring **ret);
void stack_ring__close(struct stack_ring *ring);
/* Readable when the ring is half full. */
int stack_ring__fd(const struct stack_ring *ring);
/* Takes everything out of the ring. Stacks with raw frames are kept back until the process events that were written
 * before them have been applied: call stack_ring__deliver() then. 0 or -errno. */
int stack_ring__take(struct stack_ring *ring);
/* What the ring hands over: one record of bytes bytes, aligned for 8. 0 or -ENOMEM. */
int stack_ring__add(struct stack_ring *ring, const void *data, size_t bytes);
int stack_ring__deliver(
	struct stack_ring *ring, const struct processes *processes, stack_fn fn, void *arg);
/* Records shorter than they say. Not possible unless kernel and daemon disagree about their layout. */
uint64_t stack_ring__bad_cnt(const struct stack_ring *ring);

#endif
