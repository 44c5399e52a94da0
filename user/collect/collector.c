// SPDX-License-Identifier: GPL-2.0
/* The table of collectors that count samples. */
#include "collect/collector.h"

#include <stddef.h>
#include <string.h>

static const struct collector_ops *const collectors[] = {
	&collector_cpu,
	&collector_heap,
	&collector_block,
	&collector_mutex,
	&collector_sched,
	&collector_threads,
	&collector_threadcreate,
	&collector_wall,
	&collector_faults,
};

const struct collector_ops *collector__find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(collectors) / sizeof(collectors[0]); i++)
		if (!strcmp(collectors[i]->name, name))
			return collectors[i];
	return NULL;
}
