/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of the endpoint share. */
#ifndef BPFPROF_ENDPOINT_PRIVATE_H
#define BPFPROF_ENDPOINT_PRIVATE_H

#include "answer.h"
#include "endpoint.h"
#include "figures.h"
#include "process/cgroup.h"
#include "serve/server.h"

#define ON_DEMAND_MAX CAPTURE_PROFILES_MAX
#define HEAPS_MAX     64 /* processes whose allocators are probed on demand */

/* A profile that is measured because somebody asked for it, until nobody has for a while. */
struct on_demand {
	const char *name; /* of the collector, a static string; NULL: free */
	uint64_t used_ns; /* CLOCK_MONOTONIC of the last request's end */
};

enum reading_state {
	READING_ARMED,   /* waits for the drain at which it begins */
	READING_RUNNING, /* until end_ns */
	READING_ENDING,  /* waits for the drain that has its last samples */
	READING_READY,
};

struct serve_reading {
	struct endpoint *endpoint;
	struct answer answer;
	enum reading_state state;
	struct tap *tap; /* NULL: what the profile has counted since it was attached, or a gauge */
	bool is_gauge;   /* read as it is now; a window is the difference of two such */
	bool settles;    /* its collector has to count what goes on before it is drained */
	struct profile *before, *difference;
	struct peer peer;
	uint64_t window_ns, end_ns; /* CLOCK_MONOTONIC */
	serve_ready_fn ready;
	void *ready_arg;
	struct serve_reading *next;
};

struct endpoint {
	struct loop *loop;
	struct capture *capture;
	struct trace *trace;
	struct endpoint_options options;
	struct serve_source source;
	struct server *server;
	struct history history;
	struct heap_history *heap_history;
	struct cgroups *cgroups;
	struct figures *figures;
	struct serve_reading *readings;
	struct on_demand on_demand[ON_DEMAND_MAX];
	uint32_t heaps[HEAPS_MAX]; /* pids */
	size_t heap_cnt;
	bool is_drain_wanted; /* and has not been yet */
	bool is_settled;      /* for that drain */
	int timer;            /* the end of the reading that ends first */
};

/* allocs is what the heap's collector counts, with another default. */
const char *endpoint__collector(const char *profile);

/* Measures the profile name of pid from now on, unless it is measured already. 0 or -errno with reason. */
int endpoint__demand_for(
	struct endpoint *endpoint, const char *name, uint32_t pid, char reason[SERVE_REASON_MAX]);
/* NULL: it is measured for other reasons, or not at all. */
struct on_demand *endpoint__find_on_demand(struct endpoint *endpoint, const char *name);
/* Detaches what nobody has asked for in a while. */
void endpoint__let_go(struct endpoint *endpoint, uint64_t now_ns);

/* struct serve_source: start and end. */
int endpoint__start(void *arg, const struct serve_reading_request *request, serve_ready_fn ready,
	void *ready_arg, struct serve_reading **ret, char reason[SERVE_REASON_MAX]);
void endpoint__end(void *arg, struct serve_reading *reading);
void endpoint__on_timer(void *arg);

#endif
