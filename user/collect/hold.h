/* SPDX-License-Identifier: GPL-2.0 */
/* CMD is held up to three times on its way to main(), until the daemon knows the files that it maps and has their unwind tables. */
#ifndef COLLECT_HOLD_H
#define COLLECT_HOLD_H

#include <stdbool.h>
#include <sys/types.h>

#include "hold_points.h"

struct shared;
struct hold;

/* Before pid calls execve(2). -errno: it will not be held. */
int hold__open(struct shared *shared, pid_t pid, struct hold **ret);
/* Where the process, a child of ours that has stopped, is held now and was not when this was asked last; HOLD_NOWHERE: nobody
 * but others stopped it. */
enum hold_point hold__reached(struct hold *hold);
/* Lets the process go on from where it is held. True: up to the next point. */
bool hold__continue(struct hold *hold);
/* The process is held no more. */
void hold__close(struct hold *hold);

#endif
