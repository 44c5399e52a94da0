// SPDX-License-Identifier: GPL-2.0
/* The functions of a profile with flat and cum (google/pprof, internal/graph/graph.go). */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output/graph.h"

struct graph_edge {
	UT_hash_handle hh;
	struct edge_key {
		uint32_t caller, callee; /* names */
	} key;
	int64_t value;
	uint32_t sample; /* the last that it was seen in */
	bool inlined;    /* wherever it was seen */
};

static int add_name(struct names *names, const struct symbol_location *location, const char *text,
	uint32_t *ret_name)
{
	(void)location;
	return names__add(names, text, strlen(text), ret_name);
}

/* Marks the locations that drop_frames matches: by the function that all others there are inlined into. 0 or -ENOMEM. */
static int graph__mark_dropped(struct graph *graph)
{
	const char *pattern = graph->source->profile->kind->drop_frames;
	size_t cnt = frames__location_cnt(graph->source->symbols), i;
	const struct symbol_location *location;
	char *whole = NULL;
	regex_t regex;
	int err;

	graph->dropped = calloc(cnt + 1, sizeof(*graph->dropped));
	if (!graph->dropped)
		return -ENOMEM;
	if (!pattern)
		return 0;
	if (asprintf(&whole, "^(%s)$", pattern) < 0)
		return -ENOMEM;
	err = regcomp(&regex, whole, REG_EXTENDED | REG_NOSUB);
	free(whole);
	if (err)
		return -ENOMEM;
	for (i = 0; i < cnt; i++) {
		location = frames__location(graph->source->symbols, i);
		if (location->line_cnt)
			graph->dropped[i] = !regexec(&regex,
				location->lines[location->line_cnt - 1].function, 0, NULL, 0);
	}
	regfree(&regex);
	return 0;
}

/* The frames of a sample, leaf first, without those that drop_frames leaves out: as pprof's prune(), all below the
 * root-most match that has a caller. */
static size_t graph__frames(
	const struct graph *graph, const struct sample *sample, uint32_t frames[SAMPLE_FRAMES_MAX])
{
	size_t cnt = frames__of(graph->source, sample, frames), i = cnt;
	bool has_caller = false;

	while (i-- > 0) {
		if (!graph->dropped[frames[i]]) {
			has_caller = true;
			continue;
		}
		if (!has_caller)
			continue;
		memmove(frames, &frames[i + 1], (cnt - i - 1) * sizeof(*frames));
		return cnt - i - 1;
	}
	return cnt;
}

static int count_sample(const struct sample *sample, void *arg)
{
	struct graph *graph = arg;
	int64_t value = frames__value(graph->source, sample);
	const uint32_t *first = graph->locations.first;
	uint32_t frames[SAMPLE_FRAMES_MAX];
	size_t cnt = graph__frames(graph, sample, frames);
	struct graph_node *node;
	uint32_t line;
	size_t i;

	graph->one_process = !graph->sample_cnt ||
			     (graph->one_process && graph->pid == sample->key.pid);
	graph->pid = sample->key.pid;
	graph->sample_cnt++;
	frames__weigh(graph->source->symbols, frames, cnt, value, graph->mapping_weights);
	graph->total += llabs(value);
	graph->nodes[graph->locations.names[first[frames[0]]]].flat += value;
	for (i = 0; i < cnt; i++) {
		for (line = first[frames[i]]; line < first[frames[i] + 1]; line++) {
			node = &graph->nodes[graph->locations.names[line]];
			if (node->sample != graph->sample_cnt)
				node->cum += value;
			node->sample = graph->sample_cnt;
		}
	}
	return 0;
}

int graph__new(const struct output_source *source, struct graph **ret_graph)
{
	struct graph *graph = calloc(1, sizeof(*graph));
	size_t i;
	int err = -ENOMEM;

	if (!graph)
		return -ENOMEM;
	graph->source = source;
	graph->names = names__new();
	graph->mapping_weights = calloc(
		source->symbols->mapping_cnt + 1, sizeof(*graph->mapping_weights));
	if (!graph->names || !graph->mapping_weights)
		goto out;
	err = location_names__init(&graph->locations, source->symbols, graph->names, add_name);
	if (err)
		goto out;
	err = graph__mark_dropped(graph);
	if (err)
		goto out;
	graph->node_cnt = names__cnt(graph->names);
	graph->nodes = calloc(graph->node_cnt, sizeof(*graph->nodes));
	err = graph->nodes ? 0 : -ENOMEM;
	if (err)
		goto out;
	for (i = 0; i < graph->node_cnt; i++)
		graph->nodes[i].name = i;
	profile__each(source->profile, count_sample, graph);
	*ret_graph = graph;
	return 0;
out:
	graph__free(graph);
	return err;
}

void graph__free(struct graph *graph)
{
	struct graph_edge *edge, *next;

	if (!graph)
		return;
	HASH_ITER (hh, graph->edges, edge, next) {
		HASH_DEL(graph->edges, edge);
		free(edge);
	}
	location_names__destroy(&graph->locations);
	names__free(graph->names);
	free(graph->nodes);
	free(graph->dropped);
	free(graph->mapping_weights);
	free(graph);
}

/* Counts a call once a sample; what it was the first time in the sample, from the root on, decides.
 */
static int count_edge(
	struct graph *graph, uint32_t caller, uint32_t callee, int64_t value, bool inlined)
{
	struct edge_key key = {.caller = caller, .callee = callee};
	struct graph_edge *edge;

	HASH_FIND(hh, graph->edges, &key, sizeof(key), edge);
	if (!edge) {
		edge = calloc(1, sizeof(*edge));
		if (!edge)
			return -ENOMEM;
		edge->key = key;
		edge->inlined = true;
		HASH_ADD(hh, graph->edges, key, sizeof(key), edge);
		if (!edge->hh.tbl) {
			free(edge);
			return -ENOMEM;
		}
	}
	if (edge->sample == graph->sample_cnt)
		return 0;
	edge->sample = graph->sample_cnt;
	edge->value += value;
	edge->inlined &= inlined;
	return 0;
}

static int count_edges(const struct sample *sample, void *arg)
{
	struct graph *graph = arg;
	int64_t value = frames__value(graph->source, sample);
	const uint32_t *first = graph->locations.first;
	uint32_t frames[SAMPLE_FRAMES_MAX];
	size_t i = graph__frames(graph, sample, frames);
	uint32_t caller = UINT32_MAX;
	uint32_t line, last, name;
	int err = 0;

	graph->sample_cnt++;
	while (value && !err && i--) {
		last = first[frames[i] + 1] - 1;
		for (line = last + 1; !err && line-- > first[frames[i]];) {
			name = graph->locations.names[line];
			if (!graph->nodes[name].kept)
				continue;
			if (caller != UINT32_MAX && caller != name)
				err = count_edge(graph, caller, name, value, line != last);
			caller = name;
		}
	}
	return err;
}

int graph__mark_inlined(struct graph *graph, int64_t edge_value_min)
{
	struct graph_edge *edge, *next;
	int err;

	graph->sample_cnt = 0;
	err = profile__each(graph->source->profile, count_edges, graph);
	HASH_ITER (hh, graph->edges, edge, next) {
		if (llabs(edge->value) < edge_value_min)
			continue;
		graph->nodes[edge->key.callee].inlined |= edge->inlined;
		graph->nodes[edge->key.callee].called |= !edge->inlined;
	}
	return err;
}
