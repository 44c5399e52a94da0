// SPDX-License-Identifier: GPL-2.0
/* A profile as the JSON that the pages read: a tree of callers and columns of samples. */
#include <errno.h>
#include <stdlib.h>

#include "output/names.h"
#include "output/profile_json.h"
#include "output/profile_json_private.h"

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
	int err = writer.strings ? profile_json__add_functions(&writer) : -ENOMEM;

	if (!err)
		err = profile_json__add_nodes(&writer);
	if (err)
		goto out;
	json__open(&writer.json, NULL, '{');
	write_header(&writer);
	write_functions(&writer);
	write_nodes(&writer);
	profile_json__write_samples(&writer);
	write_strings(&writer);
	json__close(&writer.json, '}');
	err = writer.json.error;
	if (!err && fflush(out))
		err = -errno;
out:
	destroy(&writer);
	return err;
}
