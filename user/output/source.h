/* SPDX-License-Identifier: GPL-2.0 */
/* What every output is written from: a profile, the names of its frames, and what the daemon adds
 * to it. */
#ifndef OUTPUT_SOURCE_H
#define OUTPUT_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "profile/profile.h"
#include "symbol/symbols.h"

/* All is borrowed for the time of one write. */
struct output_source {
	const struct profile *profile;
	const struct symbols *symbols; /* resolved for this profile; never NULL */
	/* One figure that a reader needs each: version, kernel, loss counters that are not zero.
	 * pprof's own reports leave out those that begin with '#'. */
	const char *const *comments;
	size_t comment_cnt;
	/* The path of a cgroup v2 id, valid until the write returns; NULL or "": not known, no
	 * label. May be NULL. */
	const char *(*cgroup_path)(uint64_t cgroup, void *arg);
	void *cgroup_arg;
};

#endif
