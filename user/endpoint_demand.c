// SPDX-License-Identifier: GPL-2.0
/* Profiles that are measured while somebody asks for them. */
#include "endpoint_private.h"

#include <errno.h>
#include <string.h>

#include "collect/collector.h"
#include "collect/heap.h"
#include "process/clock.h"

struct on_demand *endpoint__find_on_demand(struct endpoint *endpoint, const char *name)
{
	size_t i;

	for (i = 0; i < ON_DEMAND_MAX; i++)
		if (endpoint->on_demand[i].name && !strcmp(endpoint->on_demand[i].name, name))
			return &endpoint->on_demand[i];
	return NULL;
}

static struct on_demand *endpoint__free_on_demand(struct endpoint *endpoint)
{
	size_t i;

	for (i = 0; i < ON_DEMAND_MAX; i++)
		if (!endpoint->on_demand[i].name)
			return &endpoint->on_demand[i];
	return NULL;
}

/* Measures name from now on, unless it is measured already. 0 or -errno with reason. */
static int endpoint__demand(
	struct endpoint *endpoint, const char *name, char reason[SERVE_REASON_MAX])
{
	const char *why = "cannot start";
	struct on_demand *entry;
	int err;

	if (capture__profile(endpoint->capture, name))
		return 0;
	entry = endpoint__free_on_demand(endpoint);
	err = entry ? capture__add_profile(endpoint->capture, name, &why) : -ENOSPC;
	if (err) {
		snprintf(reason, SERVE_REASON_MAX, "%s: %s: %s", name, why, strerror(-err));
		return err == -EPERM || err == -EACCES ? -EOPNOTSUPP : err;
	}
	*entry = (struct on_demand){
		.name = collector__find(name)->name, .used_ns = clock__ns(CLOCK_MONOTONIC)};
	return 0;
}

/* A host's heap is never probed as a whole: only the processes that were asked for. */
static int endpoint__demand_heap(
	struct endpoint *endpoint, uint32_t pid, char reason[SERVE_REASON_MAX])
{
	size_t i;
	int err;

	if (!shared__options(capture__shared(endpoint->capture))->all_processes)
		return 0;
	for (i = 0; i < endpoint->heap_cnt; i++)
		if (endpoint->heaps[i] == pid)
			return 0;
	if (endpoint->heap_cnt == HEAPS_MAX) {
		snprintf(reason, SERVE_REASON_MAX,
			"heap: %d processes are probed already; try again later", HEAPS_MAX);
		return -EBUSY;
	}
	err = heap__want(capture__heap(endpoint->capture), (pid_t)pid);
	if (err) {
		snprintf(reason, SERVE_REASON_MAX, "heap: %s", strerror(-err));
		return err;
	}
	endpoint->heaps[endpoint->heap_cnt++] = pid;
	return 0;
}

int endpoint__demand_for(
	struct endpoint *endpoint, const char *name, uint32_t pid, char reason[SERVE_REASON_MAX])
{
	bool is_heap = !strcmp(name, "heap");
	int err;

	if (is_heap && !pid && shared__options(capture__shared(endpoint->capture))->all_processes) {
		snprintf(reason, SERVE_REASON_MAX,
			"heap: allocators are probed in the processes asked for; give pid=");
		return -EINVAL;
	}
	err = endpoint__demand(endpoint, name, reason);
	if (err || !is_heap)
		return err;
	trace__watch_heap(endpoint->trace, true);
	return endpoint__demand_heap(endpoint, pid, reason);
}

static bool endpoint__is_read(const struct endpoint *endpoint, const char *name)
{
	const struct serve_reading *reading;

	for (reading = endpoint->readings; reading; reading = reading->next)
		if (!strcmp(endpoint__collector(reading->answer.profile), name))
			return true;
	return false;
}

/* Detaches what nobody has asked for in a while. */
void endpoint__let_go(struct endpoint *endpoint, uint64_t now_ns)
{
	size_t i;

	for (i = 0; i < ON_DEMAND_MAX; i++) {
		struct on_demand *entry = &endpoint->on_demand[i];

		if (!entry->name || endpoint__is_read(endpoint, entry->name) ||
			now_ns - entry->used_ns < endpoint->options.linger_ns)
			continue;
		if (!strcmp(entry->name, "heap")) {
			endpoint->heap_cnt = 0;
			trace__watch_heap(endpoint->trace, false);
		}
		capture__remove_profile(endpoint->capture, entry->name);
		entry->name = NULL;
	}
}
