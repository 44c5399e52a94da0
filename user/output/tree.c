// SPDX-License-Identifier: GPL-2.0
/* A profile as one tree of calls in JSON. */
#include "output/tree.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "output/frames.h"
#include "output/json_text.h"
#include "output/location_names.h"
#include "output/names.h"
#include "output/sample_list.h"

#define NONE UINT32_MAX

struct node {
	uint32_t name, file; /* of tree.names; file may be NONE */
	uint32_t parent, first_child, next_sibling;
	int64_t value, self;
};

struct tree {
	const struct output_source *source;
	unsigned int type;
	struct names *names;
	struct location_names locations;
	uint32_t *files; /* by location: of tree.names */
	struct node *nodes;
	uint32_t node_cnt, nodes_max;
	uint32_t *slots; /* index into nodes + 1 by (parent, name) */
	uint32_t slot_cnt;
	uint32_t cut_name;
	bool has_processes;
};

static int add_name(struct names *names, const struct symbol_location *location, const char *text,
	uint32_t *ret_name)
{
	(void)location;
	return names__add(names, text, strlen(text), ret_name);
}

/* What the location is mapped from, or the source file of its outermost line. */
static int tree__name_files(struct tree *tree)
{
	const struct symbols *symbols = tree->source->symbols;
	size_t cnt = frames__location_cnt(symbols), i;
	const struct symbol_location *location;
	const char *file;
	int err = 0;

	tree->files = calloc(cnt, sizeof(*tree->files));
	if (!tree->files)
		return -ENOMEM;
	for (i = 0; i < cnt && err >= 0; i++) {
		location = frames__location(symbols, i);
		file = location->mapping < symbols->mapping_cnt
			       ? symbols->mappings[location->mapping].path
			       : "";
		err = names__add(tree->names, file, strlen(file), &tree->files[i]);
	}
	return err < 0 ? err : 0;
}

static uint32_t hash_of(uint32_t parent, uint32_t name)
{
	uint64_t x = ((uint64_t)parent << 32 | name) * 0x9e3779b97f4a7c15ull;

	return (uint32_t)(x >> 32);
}

static void tree__index(struct tree *tree, uint32_t node)
{
	uint32_t at = hash_of(tree->nodes[node].parent, tree->nodes[node].name);

	for (at &= tree->slot_cnt - 1; tree->slots[at]; at = (at + 1) & (tree->slot_cnt - 1))
		;
	tree->slots[at] = node + 1;
}

static int tree__grow(struct tree *tree)
{
	uint32_t max = tree->nodes_max ? 2 * tree->nodes_max : 1024, i;
	struct node *nodes = reallocarray(tree->nodes, max, sizeof(*nodes));
	uint32_t *slots;

	if (!nodes)
		return -ENOMEM;
	tree->nodes = nodes;
	slots = calloc(2 * (size_t)max, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	free(tree->slots);
	tree->slots = slots;
	tree->slot_cnt = 2 * max;
	tree->nodes_max = max;
	for (i = 0; i < tree->node_cnt; i++)
		tree__index(tree, i);
	return 0;
}

static uint32_t tree__find(const struct tree *tree, uint32_t parent, uint32_t name)
{
	uint32_t at = hash_of(parent, name) & (tree->slot_cnt - 1);

	for (; tree->slots[at]; at = (at + 1) & (tree->slot_cnt - 1)) {
		const struct node *node = &tree->nodes[tree->slots[at] - 1];

		if (node->parent == parent && node->name == name)
			return tree->slots[at] - 1;
	}
	return NONE;
}

/* The child of parent with this name, made if it is missing. 0 or -ENOMEM. */
static int tree__child(
	struct tree *tree, uint32_t parent, uint32_t name, uint32_t file, uint32_t *ret)
{
	uint32_t node = tree->slot_cnt ? tree__find(tree, parent, name) : NONE;
	int err;

	if (node == NONE && tree->node_cnt >= TREE_NODES_MAX) {
		name = tree->cut_name;
		node = tree__find(tree, parent, name);
		/* Every parent has room for this one more: bounded by the nodes that there are. */
	}
	if (node == NONE) {
		if (tree->node_cnt == tree->nodes_max) {
			err = tree__grow(tree);
			if (err)
				return err;
		}
		node = tree->node_cnt++;
		tree->nodes[node] = (struct node){.name = name,
			.file = file,
			.parent = parent,
			.first_child = NONE,
			.next_sibling = NONE};
		if (parent != NONE) {
			tree->nodes[node].next_sibling = tree->nodes[parent].first_child;
			tree->nodes[parent].first_child = node;
		}
		tree__index(tree, node);
	}
	*ret = node;
	return 0;
}

static int tree__process(struct tree *tree, const struct sample_key *key, uint32_t *node)
{
	char text[TASK_COMM_BYTES + 16];
	uint32_t name;
	int err;

	if (!tree->has_processes)
		return 0;
	snprintf(text, sizeof(text), "%.*s (%" PRIu32 ")", TASK_COMM_BYTES,
		key->comm[0] ? key->comm : "[unknown]", key->pid);
	err = names__add(tree->names, text, strlen(text), &name);
	return err < 0 ? err : tree__child(tree, *node, name, NONE, node);
}

static int tree__add_sample(struct tree *tree, const struct sample *sample)
{
	uint32_t frames[SAMPLE_FRAMES_MAX], node = 0, line;
	size_t i = frames__of(tree->source, sample, frames);
	const uint32_t *first = tree->locations.first;
	int64_t value = (int64_t)sample->values[tree->type];
	int err;

	if (!value)
		return 0;
	tree->nodes[node].value += value;
	err = tree__process(tree, &sample->key, &node);
	if (!err && node)
		tree->nodes[node].value += value;
	while (!err && i--) {
		for (line = first[frames[i] + 1]; !err && line-- > first[frames[i]];) {
			err = tree__child(tree, node, tree->locations.names[line],
				tree->files[frames[i]], &node);
			if (err)
				break;
			tree->nodes[node].value += value;
			if (tree->nodes[node].name == tree->cut_name)
				i = 0;
		}
	}
	tree->nodes[node].self += value;
	return err;
}

static int compare_children(const void *left, const void *right, void *arg)
{
	const struct tree *tree = arg;
	const struct node *a = &tree->nodes[*(const uint32_t *)left];
	const struct node *b = &tree->nodes[*(const uint32_t *)right];

	if (a->value != b->value)
		return a->value > b->value ? -1 : 1;
	return strcmp(names__text(tree->names, a->name), names__text(tree->names, b->name));
}

/* Of the same value always in the same order, the largest first. 0 or -ENOMEM. */
static int tree__sort_children(struct tree *tree, uint32_t node)
{
	uint32_t cnt = 0, child, *sorted;

	for (child = tree->nodes[node].first_child; child != NONE;
		child = tree->nodes[child].next_sibling)
		cnt++;
	if (cnt < 2)
		return 0;
	sorted = calloc(cnt, sizeof(*sorted));
	if (!sorted)
		return -ENOMEM;
	cnt = 0;
	for (child = tree->nodes[node].first_child; child != NONE;
		child = tree->nodes[child].next_sibling)
		sorted[cnt++] = child;
	qsort_r(sorted, cnt, sizeof(*sorted), compare_children, tree);
	tree->nodes[node].first_child = sorted[0];
	while (cnt--) {
		tree->nodes[sorted[cnt]].next_sibling = child;
		child = sorted[cnt];
	}
	free(sorted);
	return 0;
}

static void print_text(FILE *out, const char *text)
{
	json_text__print(out, text, strlen(text));
}

static void tree__open_node(const struct tree *tree, const struct node *node, FILE *out)
{
	fputs("{\"name\":", out);
	print_text(out, names__text(tree->names, node->name));
	fputs(",\"file\":", out);
	print_text(out, node->file == NONE ? "" : names__text(tree->names, node->file));
	fprintf(out, ",\"value\":%" PRId64 ",\"self\":%" PRId64 ",\"children\":[", node->value,
		node->self);
}

/* A stack's depth is bounded, but inlining is not: no recursion. */
static void tree__print_nodes(const struct tree *tree, FILE *out)
{
	uint32_t at = 0;

	tree__open_node(tree, &tree->nodes[0], out);
	for (;;) {
		const struct node *node = &tree->nodes[at];

		if (node->first_child != NONE) {
			at = node->first_child;
			tree__open_node(tree, &tree->nodes[at], out);
			continue;
		}
		fputs("]}", out);
		while (tree->nodes[at].next_sibling == NONE) {
			at = tree->nodes[at].parent;
			if (at == NONE)
				return;
			fputs("]}", out);
		}
		at = tree->nodes[at].next_sibling;
		fputc(',', out);
		tree__open_node(tree, &tree->nodes[at], out);
	}
}

static void tree__print(const struct tree *tree, FILE *out)
{
	const struct profile *profile = tree->source->profile;
	const struct profile_kind *kind = profile->kind;
	size_t i;

	fprintf(out, "{\"kind\":\"%s\",\"type\":\"%s\",\"unit\":\"%s\"", kind->name,
		kind->values[tree->type].type, kind->values[tree->type].unit);
	fprintf(out, ",\"time_ns\":%" PRId64 ",\"duration_ns\":%" PRId64 ",\"period\":%" PRId64,
		profile->time_ns, profile->duration_ns, profile->period);
	fprintf(out, ",\"samples\":%zu,\"types\":[", profile__sample_cnt(profile));
	for (i = 0; i < kind->value_cnt; i++)
		fprintf(out, "%s\"%s\"", i ? "," : "", kind->values[i].type);
	fputs("],\"comments\":[", out);
	for (i = 0; i < tree->source->comment_cnt; i++) {
		if (i)
			fputc(',', out);
		print_text(out, tree->source->comments[i]);
	}
	fputs("],\"root\":", out);
	tree__print_nodes(tree, out);
	fputs("}\n", out);
}

static int note_processes(const struct sample *sample, void *arg)
{
	struct sample_key *first = arg;

	if (!first->start_ns && !first->pid)
		*first = sample->key;
	return first->pid != sample->key.pid;
}

static int tree__build(struct tree *tree)
{
	struct sample_list list;
	struct sample_key first = {0};
	uint32_t name, root;
	size_t i;
	int err = location_names__init(
		&tree->locations, tree->source->symbols, tree->names, add_name);

	if (!err)
		err = tree__name_files(tree);
	if (!err && names__add(tree->names, "[cut]", 5, &tree->cut_name) < 0)
		err = -ENOMEM;
	if (!err && names__add(tree->names, "all", 3, &name) < 0)
		err = -ENOMEM;
	if (!err)
		err = tree__child(tree, NONE, name, NONE, &root);
	if (!err)
		err = sample_list__init(&list, tree->source->profile);
	if (err)
		return err;
	tree->has_processes = profile__each(tree->source->profile, note_processes, &first);
	for (i = 0; i < list.cnt && !err; i++)
		err = tree__add_sample(tree, list.rows[i].sample);
	sample_list__destroy(&list);
	for (i = 0; i < tree->node_cnt && !err; i++)
		err = tree__sort_children(tree, (uint32_t)i);
	return err;
}

int tree__write(const struct output_source *source, unsigned int type, FILE *out)
{
	struct tree tree = {.source = source, .type = type, .names = names__new()};
	int err = tree.names ? tree__build(&tree) : -ENOMEM;

	if (!err) {
		tree__print(&tree, out);
		err = fflush(out) ? -errno : ferror(out) ? -EIO : 0;
	}
	location_names__destroy(&tree.locations);
	names__free(tree.names);
	free(tree.files);
	free(tree.nodes);
	free(tree.slots);
	return err;
}
