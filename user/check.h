/* SPDX-License-Identifier: GPL-2.0 */
/* --check: what this kernel and these privileges allow. */
#ifndef BPFPROF_CHECK_H
#define BPFPROF_CHECK_H

#include <stdio.h>

/* Tries everything and prints a table: what, whether it works, and why not and what that costs. 0: all of it works; else
 * EXIT_RUN_TIME, also when it could not be written. */
int check(FILE *out);

#endif
