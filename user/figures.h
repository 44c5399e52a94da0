/* SPDX-License-Identifier: GPL-2.0 */
/* What the daemon costs and what it has lost, as /api/status and /metrics tell it. */
#ifndef BPFPROF_FIGURES_H
#define BPFPROF_FIGURES_H

#include "capture.h"
#include "serve/source.h"

struct figures;

struct figures *figures__new(void);
void figures__free(struct figures *figures);
void figures__read(struct figures *figures, struct capture *capture, struct serve_figures *ret);
/* Of --retain. */
void figures__add_retained(struct serve_figures *ret, uint64_t failed_cnt, uint64_t written_cnt);

#endif
