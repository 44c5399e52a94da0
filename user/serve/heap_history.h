/* SPDX-License-Identifier: GPL-2.0 */
/* The figures of the last heap lines of each process, for the page's charts. */
#ifndef SERVE_HEAP_HISTORY_H
#define SERVE_HEAP_HISTORY_H

#include <stdbool.h>

#include "output/heap_line.h"
#include "output/json_writer.h"

#define HEAP_HISTORY_POINTS    300
#define HEAP_HISTORY_PROCESSES 8 /* of more, those go first whose last line is the oldest */

struct heap_history;

/* NULL: out of memory. */
struct heap_history *heap_history__new(void);
void heap_history__free(struct heap_history *history); /* accepts NULL */
/* Out of memory, the line is left out. */
void heap_history__add(struct heap_history *history, const struct heap_line *line);
/* The member "heap": an array of {"pid", "comm", and an array a field, the oldest line first}; only of processes that may_see. */
void heap_history__print(const struct heap_history *history,
	bool (*may_see)(uint32_t pid, void *arg), void *arg, struct json *json);

#endif
