// SPDX-License-Identifier: GPL-2.0
/* What each profile counts, in the words and the order of runtime/pprof and net/http/pprof. */
#include "profile/profile.h"

#include <string.h>

#define COUNT       "count"
#define BYTES       "bytes"
#define NANOSECONDS "nanoseconds"

/* The allocator's own functions, as Go's heap profile leaves out the runtime's: a report begins at who asked for memory. */
#define ALLOCATORS                                                                                  \
	"(__GI_)?(__libc_|__|je_|tc_|mi_|_rjem_)?"                                                  \
	"(malloc|calloc|realloc|reallocarray|posix_memalign|aligned_alloc|memalign|valloc|pvalloc)" \
	"|operator new(\\[\\])?(\\(.*\\))?|__(rust|rdl|rg)_(alloc|realloc|alloc_zeroed)"

const struct profile_kind profile_kind_cpu = {
	.name = "cpu",
	.values = {{"samples", COUNT}, {"cpu", NANOSECONDS}},
	.value_cnt = 2,
	.default_value = 1,
	.period_type = {"cpu", NANOSECONDS},
};

const struct profile_kind profile_kind_heap = {
	.name = "heap",
	.values =
		{
			{"alloc_objects", COUNT},
			{"alloc_space", BYTES},
			{"inuse_objects", COUNT},
			{"inuse_space", BYTES},
		},
	.value_cnt = 4,
	.default_value = 3,
	.period_type = {"space", BYTES},
	.drop_frames = ALLOCATORS,
};

const struct profile_kind profile_kind_allocs = {
	.name = "allocs",
	.values =
		{
			{"alloc_objects", COUNT},
			{"alloc_space", BYTES},
			{"inuse_objects", COUNT},
			{"inuse_space", BYTES},
		},
	.value_cnt = 4,
	.default_value = 1,
	.period_type = {"space", BYTES},
	.drop_frames = ALLOCATORS,
};

const struct profile_kind profile_kind_block = {
	.name = "block",
	.values = {{"contentions", COUNT}, {"delay", NANOSECONDS}},
	.value_cnt = 2,
	.default_value = 1,
	.period_type = {"contentions", COUNT},
};

const struct profile_kind profile_kind_mutex = {
	.name = "mutex",
	.values = {{"contentions", COUNT}, {"delay", NANOSECONDS}},
	.value_cnt = 2,
	.default_value = 1,
	.period_type = {"contentions", COUNT},
};

const struct profile_kind profile_kind_sched = {
	.name = "sched",
	.values = {{"waits", COUNT}, {"runqueue", NANOSECONDS}},
	.value_cnt = 2,
	.default_value = 1,
	.period_type = {"waits", COUNT},
};

const struct profile_kind profile_kind_threads = {
	.name = "threads",
	.values = {{"threads", COUNT}},
	.value_cnt = 1,
	.period_type = {"threads", COUNT},
};

const struct profile_kind profile_kind_threadcreate = {
	.name = "threadcreate",
	.values = {{"threadcreate", COUNT}},
	.value_cnt = 1,
	.period_type = {"threadcreate", COUNT},
};

const struct profile_kind profile_kind_wall = {
	.name = "wall",
	.values = {{"samples", COUNT}, {"wall", NANOSECONDS}},
	.value_cnt = 2,
	.default_value = 1,
	.period_type = {"wall", NANOSECONDS},
};

const struct profile_kind profile_kind_faults = {
	.name = "faults",
	.values = {{"faults", COUNT}, {"touched", BYTES}},
	.value_cnt = 2,
	.default_value = 1,
	.period_type = {"faults", COUNT},
};

static const struct profile_kind *const kinds[] = {
	&profile_kind_cpu,
	&profile_kind_heap,
	&profile_kind_allocs,
	&profile_kind_block,
	&profile_kind_mutex,
	&profile_kind_sched,
	&profile_kind_threads,
	&profile_kind_threadcreate,
	&profile_kind_wall,
	&profile_kind_faults,
};

const struct profile_kind *profile_kind__find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(kinds[i]->name, name))
			return kinds[i];
	return NULL;
}
