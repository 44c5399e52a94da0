/* SPDX-License-Identifier: GPL-2.0 */
/* The samples of a profile in an order that depends on nothing but them. */
#ifndef OUTPUT_SAMPLE_LIST_H
#define OUTPUT_SAMPLE_LIST_H

#include "profile/profile.h"

struct sample_list {
	struct sample_list_row {
		const struct sample *sample;
		const struct stack *stack; /* NULL: none was taken or kept */
	} * rows;
	size_t cnt;
};

/* By process, then by stack from the root on: neighbours share callers, which gzip likes, and the
 * order does not depend on the hashes, which are seeded anew by each run. Valid until the profile
 * changes. 0 or -ENOMEM. */
int sample_list__init(struct sample_list *list, const struct profile *profile);
void sample_list__destroy(struct sample_list *list);

#endif
