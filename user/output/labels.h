/* SPDX-License-Identifier: GPL-2.0 */
/* What a sample's labels say beyond its process and thread. */
#ifndef OUTPUT_LABELS_H
#define OUTPUT_LABELS_H

#include "output/source.h"

#define LABELS_MAX      2
#define LABEL_BYTES_MAX 512

struct label {
	const char *key; /* a constant */
	char text[LABEL_BYTES_MAX];
};

/* Those of a sample, into ret: `state` and `began` of block, `waiter` of mutex, `delayed_by` of sched, `fault` of faults. How
 * many. */
size_t labels__of(const struct output_source *source, const struct sample *sample,
	struct label ret[LABELS_MAX]);

#endif
