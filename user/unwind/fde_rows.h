/* SPDX-License-Identifier: GPL-2.0 */
/* Runs FDEs in the order of their addresses and puts their rows into a table. */
#ifndef UNWIND_FDE_ROWS_H
#define UNWIND_FDE_ROWS_H

#include "unwind/cfi.h"
#include "unwind/frame_entry.h"

struct fde_rows;

/* limits and stats are the parser's. NULL: no memory. */
struct fde_rows *fde_rows__new(
	const struct cfi_limits *limits, struct cfi_stats *stats, struct unwind_rules *rules);
void fde_rows__free(struct fde_rows *rows);

/* Each FDE must begin at or above the end of the one before. 0, or -errno with a reason. */
int fde_rows__add(struct fde_rows *rows, const struct fde *fde, const char **ret_reason);

/* Once. 0, or -errno with a reason where there is one to tell. */
int fde_rows__finish(
	struct fde_rows *rows, struct unwind_table **ret_table, const char **ret_reason);

#endif
