// SPDX-License-Identifier: GPL-2.0
/* Fuzzes what ?time= reads: the moment, names of kept files, and the files, which anybody with the folder may have changed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output/pprof_merge.h"
#include "retained.h"
#include "serve/moment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void merge(const uint8_t *data, size_t size, uint32_t pid)
{
	static FILE *null;
	struct pprof_merge *merged;

	if (!null)
		null = fopen("/dev/null", "w");
	merged = pprof_merge__new(null, pid);
	if (merged && !pprof_merge__add(merged, data, size) &&
		!pprof_merge__add(merged, data, size))
		pprof_merge__finish(merged);
	pprof_merge__free(merged);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), name[RETAINED_NAME_MAX];
	struct retained one;
	int64_t ms;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (!moment__parse(text, &ms) && ms < 0)
		abort();
	if (!retained__parse(text, &one)) {
		retained__name(one.profile, one.start_ms, one.end_ms - one.start_ms, name);
		if (strcmp(name, text) != 0)
			abort();
	}
	free(text);
	merge(data, size, 0);
	merge(data, size, 7);
	return 0;
}
