// SPDX-License-Identifier: GPL-2.0
/* The hottest functions of a profile, as `go tool pprof -top` prints them (google/pprof,
 * internal/report/report.go). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "output/frames.h"
#include "output/graph.h"
#include "output/text.h"
#include "output/top.h"
#include "output/unit.h"

/* pprof's -nodefraction and -edgefraction. */
#define NODE_FRACTION 0.005
#define EDGE_FRACTION 0.001

struct top {
	const struct output_source *source;
	struct graph *graph;
	struct graph_node **nodes; /* those to print, sorted; kept is set */
	size_t node_cnt;
	size_t dropped_cnt; /* below NODE_FRACTION */
	size_t above_cnt;   /* not below it */
	const char *unit;   /* that all values are printed in; NULL: the best for each */
	FILE *out;
};

static const struct value_type *value_type(const struct top *top)
{
	const struct profile_kind *kind = top->source->profile->kind;

	return &kind->values[kind->default_value];
}

static void label(const struct top *top, int64_t value, char ret[UNIT_TEXT_BYTES])
{
	unit__label(value, value_type(top)->unit, top->unit, ret);
}

static int compare_nodes(const void *left, const void *right, void *arg)
{
	const struct graph_node *a = *(struct graph_node *const *)left;
	const struct graph_node *b = *(struct graph_node *const *)right;
	const struct names *names = arg;

	if (llabs(a->flat) != llabs(b->flat))
		return llabs(a->flat) > llabs(b->flat) ? -1 : 1;
	return strcmp(names__text(names, a->name), names__text(names, b->name));
}

/* Chooses the nodes to print. */
static int select_nodes(struct top *top, size_t node_max)
{
	struct graph *graph = top->graph;
	struct graph_node *node;
	int64_t total = 0;
	int64_t cutoff;
	size_t i;

	top->nodes = calloc(graph->node_cnt + 1, sizeof(struct graph_node *));
	if (!top->nodes)
		return -ENOMEM;
	for (i = 0; i < graph->node_cnt; i++)
		total += graph->nodes[i].flat;
	cutoff = llabs((int64_t)((double)total * NODE_FRACTION));
	for (i = 0; i < graph->node_cnt; i++) {
		node = &graph->nodes[i];
		if (!node->flat && !node->cum)
			continue;
		if (llabs(node->cum) < cutoff)
			top->dropped_cnt++;
		else
			top->nodes[top->above_cnt++] = node;
	}
	qsort_r(top->nodes, top->above_cnt, sizeof(struct graph_node *), compare_nodes,
		graph->names);
	top->node_cnt = node_max && node_max < top->above_cnt ? node_max : top->above_cnt;
	for (i = 0; i < top->node_cnt; i++)
		top->nodes[i]->kept = true;
	return graph__mark_inlined(graph, llabs((int64_t)((double)total * EDGE_FRACTION)));
}

/* One unit for the whole table: the smallest value's; a larger one when the largest is 100 times as
 * much. */
static void select_unit(struct top *top)
{
	const char *unit = value_type(top)->unit;
	int64_t min = 0;
	int64_t value;
	size_t i;

	if (!top->node_cnt)
		return;
	for (i = 0; i < top->node_cnt; i++) {
		value = llabs(top->nodes[i]->flat ? top->nodes[i]->flat : top->nodes[i]->cum);
		if (value && (!min || value < min))
			min = value;
	}
	if (!min)
		min = top->graph->total;
	top->unit = unit__auto(min, unit);
	if (strcmp(top->unit, unit__auto(top->graph->total, unit)) != 0 &&
		min * 100 < top->graph->total)
		top->unit = unit__auto(100 * min, unit);
}

static int print_escaped_line(const struct top *top, const char *prefix, const char *text)
{
	int err;

	if (fputs(prefix, top->out) == EOF)
		return -errno;
	err = text__print_escaped(text, top->out);
	if (!err && fputc('\n', top->out) == EOF)
		err = -errno;
	return err;
}

/* Which file, when there is one process: of a whole host no file is the file. */
static int print_file(const struct top *top)
{
	const struct symbols *symbols = top->source->symbols;
	uint32_t index = frames__main_mapping(symbols, top->graph->mapping_weights);
	const struct symbol_mapping *mapping;
	int err = 0;

	if (!top->graph->one_process || index == UINT32_MAX)
		return 0;
	mapping = &symbols->mappings[index];
	if (mapping->path[0])
		err = print_escaped_line(top, "File: ", basename(mapping->path));
	if (!err && mapping->build_id[0])
		err = print_escaped_line(top, "Build ID: ", mapping->build_id);
	return err;
}

static int print_time(const struct top *top)
{
	time_t seconds = top->source->profile->time_ns / 1000000000;
	char text[64];
	struct tm tm;

	if (!top->source->profile->time_ns || !localtime_r(&seconds, &tm))
		return 0;
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %Z", &tm);
	return fprintf(top->out, "Time: %s\n", text) < 0 ? -errno : 0;
}

static int print_duration(const struct top *top)
{
	int64_t duration_ns = top->source->profile->duration_ns;
	char duration[UNIT_TEXT_BYTES], total[UNIT_TEXT_BYTES], share[UNIT_TEXT_BYTES];
	bool has_share = !strcmp(value_type(top)->unit, "nanoseconds") && top->graph->total;

	if (!duration_ns)
		return 0;
	unit__label(duration_ns, "nanoseconds", NULL, duration);
	label(top, top->graph->total, total);
	unit__percentage(top->graph->total, duration_ns, share);
	return fprintf(top->out, "Duration: %s, Total samples = %s %s%s%s\n", duration, total,
		       has_share ? "(" : "", has_share ? share : "", has_share ? ")" : "") < 0
		       ? -errno
		       : 0;
}

static int print_accounting(const struct top *top)
{
	char shown[UNIT_TEXT_BYTES], share[UNIT_TEXT_BYTES], total[UNIT_TEXT_BYTES];
	char cutoff[UNIT_TEXT_BYTES];
	int64_t flat = 0;
	size_t i;
	int printed;

	for (i = 0; i < top->node_cnt; i++)
		flat += top->nodes[i]->flat;
	label(top, flat, shown);
	label(top, top->graph->total, total);
	label(top, llabs((int64_t)((double)top->graph->total * NODE_FRACTION)), cutoff);
	unit__percentage(flat, top->graph->total, share);
	printed = fprintf(top->out, "Showing nodes accounting for %s, %s of %s total\n", shown,
		share + strspn(share, " "), total);
	if (printed >= 0 && top->graph->total && top->dropped_cnt)
		printed = fprintf(top->out, "Dropped %zu node%s (cum <= %s)\n", top->dropped_cnt,
			top->dropped_cnt > 1 ? "s" : "", cutoff);
	if (printed >= 0 && top->graph->total && top->node_cnt && top->node_cnt < top->above_cnt)
		printed = fprintf(top->out, "Showing top %zu nodes out of %zu\n", top->node_cnt,
			top->above_cnt);
	return printed < 0 ? -errno : 0;
}

static int print_header(const struct top *top)
{
	const char *comment;
	size_t i;
	int err = print_file(top);

	for (i = 0; !err && i < top->source->comment_cnt; i++) {
		comment = top->source->comments[i];
		if (comment[0] != '#')
			err = print_escaped_line(top, "", comment);
	}
	if (!err && fprintf(top->out, "Type: %s\n", value_type(top)->type) < 0)
		err = -errno;
	if (!err)
		err = print_time(top);
	if (!err)
		err = print_duration(top);
	return err ? err : print_accounting(top);
}

static int print_nodes(const struct top *top)
{
	char flat[UNIT_TEXT_BYTES], flat_share[UNIT_TEXT_BYTES], sum_share[UNIT_TEXT_BYTES];
	char cum[UNIT_TEXT_BYTES], cum_share[UNIT_TEXT_BYTES];
	const struct graph_node *node;
	int64_t flat_sum = 0;
	size_t i;
	int err = 0;

	if (fprintf(top->out, "%10s %5s%% %5s%% %10s %5s%%\n", "flat", "flat", "sum", "cum",
		    "cum") < 0)
		return -errno;
	for (i = 0; !err && i < top->node_cnt; i++) {
		node = top->nodes[i];
		flat_sum += node->flat;
		label(top, node->flat, flat);
		label(top, node->cum, cum);
		unit__percentage(node->flat, top->graph->total, flat_share);
		unit__percentage(flat_sum, top->graph->total, sum_share);
		unit__percentage(node->cum, top->graph->total, cum_share);
		if (fprintf(top->out, "%10s %s %s %10s %s  ", flat, flat_share, sum_share, cum,
			    cum_share) < 0)
			return -errno;
		err = text__print_escaped(names__text(top->graph->names, node->name), top->out);
		if (!err && fprintf(top->out, "%s\n",
				    !node->inlined ? ""
				    : node->called ? " (partial-inline)"
						   : " (inline)") < 0)
			err = -errno;
	}
	return err;
}

int top__write(const struct output_source *source, size_t node_max, FILE *out)
{
	struct top top = {.source = source, .out = out};
	int err = graph__new(source, &top.graph);

	if (err)
		return err;
	err = select_nodes(&top, node_max);
	if (err)
		goto out;
	select_unit(&top);
	err = print_header(&top);
	if (!err)
		err = print_nodes(&top);
	if (!err && fflush(out))
		err = -errno;
out:
	free(top.nodes);
	graph__free(top.graph);
	return err;
}
