/* SPDX-License-Identifier: GPL-2.0 */
/* The SCHED line, and scheddetail's lines below it. */
#ifndef OUTPUT_SCHED_LINE_H
#define OUTPUT_SCHED_LINE_H

#include <stdio.h>

#include "collect/sched.h"

/* Prints the line, of whatever length its CPUs make it, with its newline. To a terminal or a
 * pipe that others write to, out should be a memory stream whose text is then written at once. 0
 * or -errno. */
int sched_line__print(const struct sched_snapshot *snapshot, FILE *out);
/* Prints a line a CPU and a line a thread. 0 or -errno. */
int sched_line__print_detail(const struct sched_snapshot *snapshot, FILE *out);

#endif
