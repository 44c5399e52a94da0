// SPDX-License-Identifier: GPL-2.0
/* The samples of a profile as columns of JSON. */
#include <string.h>

#include "output/labels.h"
#include "output/profile_json_private.h"

#define KEYS_MAX 8

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
	return profile_json__add_string(writer->strings, path, ret);
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
					json->error = profile_json__add_string(
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

void profile_json__write_samples(struct profile_json *writer)
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
