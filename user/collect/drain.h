/* SPDX-License-Identifier: GPL-2.0 */
/* Emptying the maps in which programs count samples. */
#ifndef COLLECT_DRAIN_H
#define COLLECT_DRAIN_H

#include "collect/collector.h"

/* Hands every entry of a map of sample_key -> sample_value to fn as {count, value} and deletes it, in batches. 0, -errno,
 * or what fn returned. */
int drain__samples(int map_fd, collector_sample_fn fn, void *arg);
/* The same for the samples that found their map full, which are known by process: key->stack is 0. Only entries of
 * this parity. */
int drain__lost(int map_fd, int parity, collector_sample_fn fn, void *arg);

#endif
