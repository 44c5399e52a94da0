/* SPDX-License-Identifier: GPL-2.0 */
/* The distinct frames of a profile, each as the location that it becomes. */
#ifndef SYMBOL_FRAME_SET_H
#define SYMBOL_FRAME_SET_H

#include "symbol/symbols.h"

struct profile;

/* Locations sorted by (frame, pid, start_ns), with address set, no mapping, no lines; to be
 * freed by the caller. 0, -ENOMEM. */
int frame_set__collect(
	const struct profile *profile, struct symbol_location **ret, size_t *ret_cnt);
/* <0, 0, >0: the order that locations are sorted by. */
int symbol_location__compare(const struct symbol_location *a, const struct symbol_location *b);

#endif
