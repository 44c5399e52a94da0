/* SPDX-License-Identifier: GPL-2.0 */
/* From a cgroup v2 id, as bpf_get_current_cgroup_id() gives it, to its path. */
#ifndef PROCESS_CGROUP_H
#define PROCESS_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

struct cgroups;

struct cgroups *cgroups__new(void);
void cgroups__free(struct cgroups *cgroups);
/* "/system.slice/redis.service"; NULL: the root cgroup, one that is gone, or no cgroup v2 is mounted. Valid until
 * cgroups__free(). cgroups may be NULL. */
const char *cgroups__path(struct cgroups *cgroups, uint64_t id);
/* Paths of further cgroups are not found: time for a new one. */
bool cgroups__is_full(const struct cgroups *cgroups);

#endif
