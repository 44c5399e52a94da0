// SPDX-License-Identifier: GPL-2.0
/* A profile as the JSON that the pages read: a tree of callers and columns of samples. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "output/frames.h"
#include "output/json_writer.h"
#include "output/labels.h"
#include "output/location_names.h"
#include "output/names.h"
#include "output/profile_json.h"
#include "output/sample_list.h"

#define KEYS_MAX 8

struct function {
	UT_hash_handle hh;
	struct function_key {
		uint32_t name, file, mapping, line, flags; /* the first three: strings */
	} key;
	uint32_t number;
};

struct node {
	int32_t parent; /* -1: none */
	uint32_t function;
};

struct profile_json {
	const struct output_source *source;
	struct names *strings;
	struct location_names locations;
	struct function *functions; /* in the order of their numbers */
	uint32_t *line_functions;   /* as locations.names has them */
	struct sample_list samples;
	uint32_t *sample_nodes; /* by row of samples */
	struct node *nodes;
	size_t node_cnt, node_max;
	int32_t *path; /* nodes of the sample before, root first */
	size_t path_cnt, path_max;
	struct json json;
};

static int add_string(struct names *names, const char *text, uint32_t *ret_name)
{
	int err = names__add(names, text ? text : "", text ? strlen(text) : 0, ret_name);

	return err < 0 ? err : 0;
}

static int add_name(struct names *names, const struct symbol_location *location, const char *text,
	uint32_t *ret_name)
{
	(void)location;
	return add_string(names, text, ret_name);
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
		err = add_string(writer->strings, line ? line->file : NULL, &key.file);
		if (!err && location->mapping < symbols->mapping_cnt)
			err = add_string(writer->strings, symbols->mappings[location->mapping].path,
				&key.mapping);
		if (!err)
			err = find_function(writer, &key, &writer->line_functions[first + i]);
	}
	return err;
}

static int add_functions(struct profile_json *writer)
{
	const struct symbols *symbols = writer->source->symbols;
	size_t location_cnt = frames__location_cnt(symbols);
	size_t index;
	uint32_t empty;
	int err = add_string(writer->strings, "", &empty); /* number 0: not known */

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

static int add_nodes(struct profile_json *writer)
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

static void write_value_type(
	struct json *json, const char *key, const struct value_type *value_type)
{
	json__open(json, key, '{');
	json__text(json, "type", value_type->type);
	json__text(json, "unit", value_type->unit);
	json__close(json, '}');
}

static void write_header(struct profile_json *writer)
{
	const struct profile *profile = writer->source->profile;
	struct json *json = &writer->json;
	size_t i;

	json__text(json, "bpfprof", BPFPROF_VERSION);
	json__text(json, "kind", profile->kind->name);
	json__open(json, "sample_types", '[');
	for (i = 0; i < profile->kind->value_cnt; i++)
		write_value_type(json, NULL, &profile->kind->values[i]);
	json__close(json, ']');
	json__int(json, "default_type", profile->kind->default_value);
	write_value_type(json, "period_type", &profile->kind->period_type);
	json__int(json, "period", profile->period);
	json__int(json, "time_nanos", profile->time_ns);
	json__int(json, "duration_nanos", profile->duration_ns);
	json__open(json, "comments", '[');
	for (i = 0; i < writer->source->comment_cnt; i++)
		json__text(json, NULL, writer->source->comments[i]);
	json__close(json, ']');
}

static void write_functions(struct profile_json *writer)
{
	static const char *const names[] = {"name", "file", "mapping", "line", "flags"};
	struct json *json = &writer->json;
	const struct function *function;
	size_t column;

	json__open(json, "functions", '{');
	for (column = 0; column < sizeof(names) / sizeof(names[0]); column++) {
		json__open(json, names[column], '[');
		for (function = writer->functions; function; function = function->hh.next) {
			const struct function_key *key = &function->key;
			const uint32_t values[] = {
				key->name, key->file, key->mapping, key->line, key->flags};

			json__int(json, NULL, values[column]);
		}
		json__close(json, ']');
	}
	json__close(json, '}');
}

static void write_nodes(struct profile_json *writer)
{
	struct json *json = &writer->json;
	size_t i;

	json__open(json, "nodes", '{');
	json__open(json, "parent", '[');
	for (i = 0; i < writer->node_cnt; i++)
		json__int(json, NULL, writer->nodes[i].parent);
	json__close(json, ']');
	json__open(json, "function", '[');
	for (i = 0; i < writer->node_cnt; i++)
		json__int(json, NULL, writer->nodes[i].function);
	json__close(json, ']');
	json__close(json, '}');
}

/* One word of a sample's key as a string number. */
typedef int (*label_of)(struct profile_json *writer, const struct sample_key *key, uint32_t *ret);

static int comm_of(struct profile_json *writer, const struct sample_key *key, uint32_t *ret)
{
	int err = names__add(
		writer->strings, key->comm, strnlen(key->comm, sizeof(key->comm)), ret);

	return err < 0 ? err : 0;
}

static int thread_of(struct profile_json *writer, const struct sample_key *key, uint32_t *ret)
{
	int err = names__add(
		writer->strings, key->thread, strnlen(key->thread, sizeof(key->thread)), ret);

	return err < 0 ? err : 0;
}

static int cgroup_of(struct profile_json *writer, const struct sample_key *key, uint32_t *ret)
{
	const struct output_source *source = writer->source;
	const char *path = NULL;

	if (key->cgroup && source->cgroup_path)
		path = source->cgroup_path(key->cgroup, source->cgroup_arg);
	return add_string(writer->strings, path, ret);
}

static void write_labels(struct profile_json *writer, const char *name, label_of label)
{
	struct json *json = &writer->json;
	uint32_t string;
	size_t row;
	int err;

	json__open(json, name, '[');
	for (row = 0; row < writer->samples.cnt && !json->error; row++) {
		err = label(writer, &writer->samples.rows[row].sample->key, &string);
		json->error = json->error ? json->error : err;
		json__int(json, NULL, string);
	}
	json__close(json, ']');
}

/* Keys are constants: equal ones may still be two pointers. */
static bool has_key(const char *const *keys, size_t key_cnt, const char *key)
{
	while (key_cnt--) {
		if (!strcmp(keys[key_cnt], key))
			return true;
	}
	return false;
}

static size_t find_keys(const struct profile_json *writer, const char *ret[KEYS_MAX])
{
	struct label labels[LABELS_MAX];
	size_t key_cnt = 0, row, i;

	for (row = 0; row < writer->samples.cnt; row++) {
		i = labels__of(writer->source, writer->samples.rows[row].sample, labels);
		while (i--) {
			if (key_cnt < KEYS_MAX && !has_key(ret, key_cnt, labels[i].key))
				ret[key_cnt++] = labels[i].key;
		}
	}
	return key_cnt;
}

static void write_more_labels(struct profile_json *writer)
{
	struct json *json = &writer->json;
	struct label labels[LABELS_MAX];
	const char *keys[KEYS_MAX];
	size_t key_cnt = find_keys(writer, keys);
	size_t key, row, i;

	json__open(json, "labels", '{');
	for (key = 0; key < key_cnt; key++) {
		json__open(json, keys[key], '[');
		for (row = 0; row < writer->samples.cnt && !json->error; row++) {
			uint32_t string = 0;

			i = labels__of(writer->source, writer->samples.rows[row].sample, labels);
			while (i--) {
				if (!strcmp(labels[i].key, keys[key]))
					json->error = add_string(
						writer->strings, labels[i].text, &string);
			}
			json__int(json, NULL, string);
		}
		json__close(json, ']');
	}
	json__close(json, '}');
}

static void write_values(struct profile_json *writer)
{
	struct json *json = &writer->json;
	size_t row, type;

	json__open(json, "values", '[');
	for (type = 0; type < writer->source->profile->kind->value_cnt; type++) {
		json__open(json, NULL, '[');
		for (row = 0; row < writer->samples.cnt; row++)
			json__int(json, NULL,
				(int64_t)writer->samples.rows[row].sample->values[type]);
		json__close(json, ']');
	}
	json__close(json, ']');
}

static void write_samples(struct profile_json *writer)
{
	struct json *json = &writer->json;
	size_t row;

	json__open(json, "samples", '{');
	json__open(json, "node", '[');
	for (row = 0; row < writer->samples.cnt; row++)
		json__int(json, NULL, writer->sample_nodes[row]);
	json__close(json, ']');
	json__open(json, "pid", '[');
	for (row = 0; row < writer->samples.cnt; row++)
		json__int(json, NULL, writer->samples.rows[row].sample->key.pid);
	json__close(json, ']');
	write_labels(writer, "comm", comm_of);
	write_labels(writer, "thread", thread_of);
	write_labels(writer, "cgroup", cgroup_of);
	write_more_labels(writer);
	write_values(writer);
	json__close(json, '}');
}

/* Last, when all strings are known. */
static void write_strings(struct profile_json *writer)
{
	struct json *json = &writer->json;
	size_t i;

	json__open(json, "strings", '[');
	for (i = 0; i < names__cnt(writer->strings); i++)
		json__text(json, NULL, names__text(writer->strings, i));
	json__close(json, ']');
}

static void destroy(struct profile_json *writer)
{
	struct function *function, *next;

	HASH_ITER (hh, writer->functions, function, next) {
		HASH_DEL(writer->functions, function);
		free(function);
	}
	location_names__destroy(&writer->locations);
	sample_list__destroy(&writer->samples);
	names__free(writer->strings);
	free(writer->line_functions);
	free(writer->sample_nodes);
	free(writer->nodes);
	free(writer->path);
}

int profile_json__write(const struct output_source *source, FILE *out)
{
	struct profile_json writer = {
		.source = source, .strings = names__new(), .json = {.out = out}};
	int err = writer.strings ? add_functions(&writer) : -ENOMEM;

	if (!err)
		err = add_nodes(&writer);
	if (err)
		goto out;
	json__open(&writer.json, NULL, '{');
	write_header(&writer);
	write_functions(&writer);
	write_nodes(&writer);
	write_samples(&writer);
	write_strings(&writer);
	json__close(&writer.json, '}');
	err = writer.json.error;
	if (!err && fflush(out))
		err = -errno;
out:
	destroy(&writer);
	return err;
}
