// SPDX-License-Identifier: GPL-2.0
/* The functions of a profile, and the tree of callers that its samples are leaves of. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "output/frames.h"
#include "output/profile_json.h"
#include "output/profile_json_private.h"

int profile_json__add_string(struct names *names, const char *text, uint32_t *ret_name)
{
	int err = names__add(names, text ? text : "", text ? strlen(text) : 0, ret_name);

	return err < 0 ? err : 0;
}

static int add_name(struct names *names, const struct symbol_location *location, const char *text,
	uint32_t *ret_name)
{
	(void)location;
	return profile_json__add_string(names, text, ret_name);
}

static int find_function(
	struct profile_json *writer, const struct function_key *key, uint32_t *ret_function)
{
	struct function *function;

	HASH_FIND(hh, writer->functions, key, sizeof(*key), function);
	if (!function) {
		function = calloc(1, sizeof(*function));
		if (!function)
			return -ENOMEM;
		function->key = *key;
		function->number = HASH_COUNT(writer->functions);
		HASH_ADD(hh, writer->functions, key, sizeof(function->key), function);
		if (!function->hh.tbl) {
			free(function);
			return -ENOMEM;
		}
	}
	*ret_function = function->number;
	return 0;
}

static int add_functions_of(struct profile_json *writer, size_t index)
{
	const struct symbols *symbols = writer->source->symbols;
	const struct symbol_location *location = frames__location(symbols, index);
	uint32_t first = writer->locations.first[index];
	uint32_t cnt = writer->locations.first[index + 1] - first;
	const struct symbol_line *line;
	struct function_key key;
	uint32_t i;
	int err = 0;

	for (i = 0; !err && i < cnt; i++) {
		line = i < location->line_cnt ? &location->lines[i] : NULL;
		memset(&key, 0, sizeof(key));
		key.name = writer->locations.names[first + i];
		key.line = line ? line->start_line : 0;
		if (index >= symbols->location_cnt)
			key.flags = PROFILE_JSON_WORD;
		else if (!(location->frame & FRAME_FILE) && location->frame & FRAME_KERNEL)
			key.flags = PROFILE_JSON_KERNEL;
		if (i + 1 < cnt)
			key.flags |= PROFILE_JSON_INLINED;
		err = profile_json__add_string(
			writer->strings, line ? line->file : NULL, &key.file);
		if (!err && location->mapping < symbols->mapping_cnt)
			err = profile_json__add_string(writer->strings,
				symbols->mappings[location->mapping].path, &key.mapping);
		if (!err)
			err = find_function(writer, &key, &writer->line_functions[first + i]);
	}
	return err;
}

int profile_json__add_functions(struct profile_json *writer)
{
	const struct symbols *symbols = writer->source->symbols;
	size_t location_cnt = frames__location_cnt(symbols);
	size_t index;
	uint32_t empty;
	int err = profile_json__add_string(writer->strings, "", &empty); /* number 0: not known */

	if (!err)
		err = location_names__init(&writer->locations, symbols, writer->strings, add_name);
	if (err)
		return err;
	writer->line_functions = calloc(
		writer->locations.first[location_cnt] + 1, sizeof(*writer->line_functions));
	if (!writer->line_functions)
		return -ENOMEM;
	for (index = 0; !err && index < location_cnt; index++)
		err = add_functions_of(writer, index);
	return err;
}

/* Room for one node more, and for a path that is one node deeper. */
static int reserve_node(struct profile_json *writer, size_t depth)
{
	size_t max = writer->node_max ? 2 * writer->node_max : 4096;
	struct node *nodes;
	int32_t *path;

	if (depth == writer->path_max) {
		path = reallocarray(writer->path, 2 * depth + 64, sizeof(*path));
		if (!path)
			return -ENOMEM;
		writer->path = path;
		writer->path_max = 2 * depth + 64;
	}
	if (writer->node_cnt < writer->node_max)
		return 0;
	nodes = max <= INT32_MAX ? reallocarray(writer->nodes, max, sizeof(*nodes)) : NULL;
	if (!nodes)
		return -ENOMEM;
	writer->nodes = nodes;
	writer->node_max = max;
	return 0;
}

/* The node of function below path[0 .. depth) becomes path[depth]. */
static int enter_node(struct profile_json *writer, size_t depth, uint32_t function)
{
	int err;

	if (depth < writer->path_cnt && writer->nodes[writer->path[depth]].function == function)
		return 0;
	err = reserve_node(writer, depth);
	if (err)
		return err;
	writer->nodes[writer->node_cnt] = (struct node){
		.parent = depth ? writer->path[depth - 1] : -1, .function = function};
	writer->path[depth] = writer->node_cnt++;
	writer->path_cnt = 0; /* what lay deeper belongs to another node */
	return 0;
}

/*
 * The list has neighbours share callers, so comparing with the sample before finds almost every node that is
 * there already, without a table of them, which would be the largest thing here.
 */
static int add_nodes_of(struct profile_json *writer, size_t row)
{
	const uint32_t *first = writer->locations.first;
	uint32_t frames[SAMPLE_FRAMES_MAX];
	size_t i = frames__of(writer->source, writer->samples.rows[row].sample, frames);
	size_t depth = 0;
	uint32_t line;

	while (i--) {
		for (line = first[frames[i] + 1]; line-- > first[frames[i]]; depth++) {
			int err = enter_node(writer, depth, writer->line_functions[line]);

			if (err)
				return err;
		}
	}
	writer->path_cnt = depth;
	writer->sample_nodes[row] = writer->path[depth - 1];
	return 0;
}

int profile_json__add_nodes(struct profile_json *writer)
{
	size_t row;
	int err = sample_list__init(&writer->samples, writer->source->profile);

	if (err)
		return err;
	writer->sample_nodes = calloc(writer->samples.cnt + 1, sizeof(*writer->sample_nodes));
	if (!writer->sample_nodes)
		return -ENOMEM;
	for (row = 0; !err && row < writer->samples.cnt; row++)
		err = add_nodes_of(writer, row);
	return err;
}
