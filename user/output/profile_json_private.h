/* SPDX-License-Identifier: GPL-2.0 */
/* What the files that write a profile as JSON share. */
#ifndef OUTPUT_PROFILE_JSON_PRIVATE_H
#define OUTPUT_PROFILE_JSON_PRIVATE_H

#define HASH_NONFATAL_OOM 1
#include <stdint.h>
#include <uthash.h>

#include "output/json_writer.h"
#include "output/location_names.h"
#include "output/names.h"
#include "output/sample_list.h"
#include "output/source.h"

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

/* The number of text among names; NULL is the empty string. 0 or -ENOMEM. */
int profile_json__add_string(struct names *names, const char *text, uint32_t *ret_name);
/* Both 0 or -errno; the functions first. */
int profile_json__add_functions(struct profile_json *writer);
int profile_json__add_nodes(struct profile_json *writer);
void profile_json__write_samples(struct profile_json *writer);

#endif
