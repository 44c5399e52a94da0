/* SPDX-License-Identifier: GPL-2.0 */
/* The functions of a profile with what was measured in them (flat) and below them (cum). */
#ifndef OUTPUT_GRAPH_H
#define OUTPUT_GRAPH_H

#include <stdbool.h>
#include <stdint.h>

#include "output/location_names.h"
#include "output/names.h"
#include "output/source.h"

/* A function, by name. Recursion counts once a sample in cum. */
struct graph_node {
	uint32_t name;
	int64_t flat;
	int64_t cum;
	bool kept;       /* for graph__mark_inlined: takes part */
	bool inlined;    /* some caller has it inlined */
	bool called;     /* some caller calls it */
	uint32_t sample; /* private: the last sample that it was seen in, counted from 1 */
};

struct graph {
	const struct output_source *source;
	struct names *names;
	struct location_names locations;
	struct graph_node *nodes; /* by name; those with flat = cum = 0 are in no sample */
	size_t node_cnt;
	uint64_t *mapping_weights; /* frames__weigh */
	int64_t total;             /* sum of the samples' magnitudes */
	uint32_t pid;              /* of all samples; see one_process */
	bool one_process;
	bool *dropped;            /* private; by location: matches the kind's drop_frames */
	struct graph_edge *edges; /* private */
	uint32_t sample_cnt;      /* private */
};

/* All is borrowed from source, which must outlive the graph. 0 or -ENOMEM. */
int graph__new(const struct output_source *source, struct graph **ret_graph);
void graph__free(struct graph *graph);
/*
 * Sets inlined and called from the edges between kept nodes, as pprof's newGraph() has them: a node
 * that is not kept is stepped over, and edges lighter than edge_value_min do not count. Once a
 * graph. 0 or -ENOMEM.
 */
int graph__mark_inlined(struct graph *graph, int64_t edge_value_min);

#endif
