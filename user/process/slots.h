/* SPDX-License-Identifier: GPL-2.0 */
/* Hands out runs of an array's elements; what is given back waits until no program can read it any more. */
#ifndef PROCESS_SLOTS_H
#define PROCESS_SLOTS_H

#include <stdint.h>

struct slots;

/* max: elements in all; unit: runs are rounded up to multiples of it. NULL: out of memory. */
struct slots *slots__new(uint32_t max, uint32_t unit);
void slots__free(struct slots *slots); /* accepts NULL */
/* The first run that fits, a multiple of unit. 0 with *ret_first, or -ENOSPC. */
int slots__take(struct slots *slots, uint32_t cnt, uint32_t *ret_first);
/* The run is free for others once slots__reclaim() has been told of a later epoch. */
void slots__give(struct slots *slots, uint32_t first, uint32_t cnt, uint32_t epoch);
void slots__reclaim(struct slots *slots, uint32_t epoch);
/* Elements in use, in whole units; what waits for its epoch is not. */
uint32_t slots__used(const struct slots *slots);

#endif
