// SPDX-License-Identifier: GPL-2.0
/* A profile as pprof's gzip'ed profile.proto (github.com/google/pprof/proto/profile.proto has the
 * fields' meaning). */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "output/frames.h"
#include "output/gzip.h"
#include "output/labels.h"
#include "output/names.h"
#include "output/pprof.h"
#include "output/profile_proto.h"
#include "output/protobuf.h"
#include "output/sample_list.h"
#include "output/text.h"

#define FLUSH_BYTES (32 * 1024)

/* What makes two functions one; name, system_name and filename are string numbers. */
struct function_key {
	uint32_t name, system_name, filename, start_line;
};

struct function {
	UT_hash_handle hh;
	struct function_key key;
	uint32_t id;
};

/*
 * One pass, nothing kept but the tables of strings and functions: a string or a function is written
 * when it is first met. So these stand between the messages that name them, never inside of one;
 * protobuf allows any order.
 */
struct pprof {
	const struct output_source *source;
	struct gzip *gzip;
	struct protobuf message; /* whole fields of Profile, not compressed yet */
	struct names *strings;   /* their numbers are the indices of the string table */
	struct function *functions;
	bool *location_used;       /* by location index; a location's id is its index + 1 */
	uint64_t *mapping_weights; /* by mapping index; 0: no location is in it */
	uint32_t *mapping_ids;
	uint32_t label_pid, label_comm, label_thread, label_cgroup;
	uint64_t cgroup; /* cgroup_path's name is known */
	uint32_t cgroup_path;
	int error;
};

static void set_error(struct pprof *pprof, int err)
{
	if (err < 0 && !pprof->error)
		pprof->error = err;
}

static void flush(struct pprof *pprof, size_t bytes_min)
{
	set_error(pprof, pprof->message.error);
	if (pprof->error || pprof->message.bytes < bytes_min)
		return;
	set_error(pprof, gzip__write(pprof->gzip, pprof->message.data, pprof->message.bytes));
	pprof->message.bytes = 0;
}

/* The number of a string in the string table. borrowed: it stays until the end. */
static uint32_t string(struct pprof *pprof, const char *text, size_t bytes, bool borrowed)
{
	uint32_t number = 0;
	char *repaired = NULL;
	int added;

	if (!text__is_clean(text, bytes)) {
		repaired = strndup(text, bytes);
		if (!repaired) {
			set_error(pprof, -ENOMEM);
			return 0;
		}
		text__clean(repaired, bytes);
		text = repaired;
	}
	if (borrowed && !repaired)
		added = names__borrow(pprof->strings, text, bytes, &number);
	else
		added = names__add(pprof->strings, text, bytes, &number);
	set_error(pprof, added);
	if (added > 0)
		protobuf__bytes(&pprof->message, PROFILE_STRING_TABLE, text, bytes);
	free(repaired);
	return number;
}

/* A string of the source; NULL counts as "", which is number 0. */
static uint32_t source_string(struct pprof *pprof, const char *text)
{
	return text ? string(pprof, text, strlen(text), true) : 0;
}

static void write_value_type(
	struct pprof *pprof, unsigned int field, const struct value_type *value_type)
{
	uint32_t type = source_string(pprof, value_type->type);
	uint32_t unit = source_string(pprof, value_type->unit);
	size_t opened = protobuf__open(&pprof->message, field);

	protobuf__int64(&pprof->message, VALUE_TYPE_TYPE, type);
	protobuf__int64(&pprof->message, VALUE_TYPE_UNIT, unit);
	protobuf__close(&pprof->message, opened);
}

static void write_header(struct pprof *pprof)
{
	const struct profile *profile = pprof->source->profile;
	const struct profile_kind *kind = profile->kind;
	uint32_t comment;
	size_t i;

	source_string(pprof, "");
	for (i = 0; i < kind->value_cnt; i++)
		write_value_type(pprof, PROFILE_SAMPLE_TYPE, &kind->values[i]);
	write_value_type(pprof, PROFILE_PERIOD_TYPE, &kind->period_type);
	protobuf__int64(&pprof->message, PROFILE_PERIOD, profile->period);
	protobuf__int64(&pprof->message, PROFILE_TIME_NANOS, profile->time_ns);
	protobuf__int64(&pprof->message, PROFILE_DURATION_NANOS, profile->duration_ns);
	protobuf__int64(&pprof->message, PROFILE_DEFAULT_SAMPLE_TYPE,
		source_string(pprof, kind->values[kind->default_value].type));
	if (kind->drop_frames)
		protobuf__int64(&pprof->message, PROFILE_DROP_FRAMES,
			source_string(pprof, kind->drop_frames));
	for (i = 0; i < pprof->source->comment_cnt; i++) {
		comment = source_string(pprof, pprof->source->comments[i]);
		protobuf__int64(&pprof->message, PROFILE_COMMENT, comment);
	}
	pprof->label_pid = source_string(pprof, "pid");
	pprof->label_comm = source_string(pprof, "comm");
	pprof->label_thread = source_string(pprof, "thread");
	pprof->label_cgroup = source_string(pprof, "cgroup");
}

static void write_label(struct pprof *pprof, uint32_t key, uint32_t text, uint32_t number)
{
	size_t opened;

	if (!text && !number)
		return;
	opened = protobuf__open(&pprof->message, SAMPLE_LABEL);
	protobuf__int64(&pprof->message, LABEL_KEY, key);
	protobuf__int64(&pprof->message, LABEL_STR, text);
	protobuf__int64(&pprof->message, LABEL_NUM, number);
	protobuf__close(&pprof->message, opened);
}

static uint32_t cgroup_string(struct pprof *pprof, uint64_t cgroup)
{
	const struct output_source *source = pprof->source;

	if (!cgroup || !source->cgroup_path)
		return 0;
	if (cgroup != pprof->cgroup) {
		pprof->cgroup = cgroup;
		pprof->cgroup_path = source_string(
			pprof, source->cgroup_path(cgroup, source->cgroup_arg));
	}
	return pprof->cgroup_path;
}

/* The numbers of the strings of a sample's own labels; how many labels. */
static size_t write_label_strings(struct pprof *pprof, const struct sample *sample,
	uint32_t keys[LABELS_MAX], uint32_t texts[LABELS_MAX])
{
	struct label labels[LABELS_MAX];
	size_t cnt = labels__of(pprof->source, sample, labels);
	size_t i;

	for (i = 0; i < cnt; i++) {
		keys[i] = source_string(pprof, labels[i].key);
		texts[i] = string(pprof, labels[i].text, strlen(labels[i].text), false);
	}
	return cnt;
}

static void write_sample(struct pprof *pprof, const struct sample *sample)
{
	const struct sample_key *key = &sample->key;
	uint32_t comm = string(pprof, key->comm, strnlen(key->comm, sizeof(key->comm)), true);
	uint32_t thread = string(
		pprof, key->thread, strnlen(key->thread, sizeof(key->thread)), true);
	uint32_t cgroup = cgroup_string(pprof, key->cgroup);
	uint32_t frames[SAMPLE_FRAMES_MAX];
	size_t frame_cnt = frames__of(pprof->source, sample, frames);
	uint32_t keys[LABELS_MAX], texts[LABELS_MAX];
	size_t label_cnt = write_label_strings(pprof, sample, keys, texts);
	size_t opened = protobuf__open(&pprof->message, PROFILE_SAMPLE);
	size_t packed;
	size_t i;

	frames__weigh(pprof->source->symbols, frames, frame_cnt,
		frames__value(pprof->source, sample), pprof->mapping_weights);
	packed = protobuf__open(&pprof->message, SAMPLE_LOCATION_ID);
	for (i = 0; i < frame_cnt; i++) {
		pprof->location_used[frames[i]] = true;
		protobuf__packed(&pprof->message, (uint64_t)frames[i] + 1);
	}
	protobuf__close(&pprof->message, packed);
	packed = protobuf__open(&pprof->message, SAMPLE_VALUE);
	for (i = 0; i < pprof->source->profile->kind->value_cnt; i++)
		protobuf__packed(&pprof->message, sample->values[i]);
	protobuf__close(&pprof->message, packed);
	write_label(pprof, pprof->label_pid, 0, key->pid);
	write_label(pprof, pprof->label_comm, comm, 0);
	write_label(pprof, pprof->label_thread, thread, 0);
	write_label(pprof, pprof->label_cgroup, cgroup, 0);
	for (i = 0; i < label_cnt; i++)
		write_label(pprof, keys[i], texts[i], 0);
	protobuf__close(&pprof->message, opened);
}

static int write_samples(struct pprof *pprof)
{
	struct sample_list list;
	size_t i;
	int err = sample_list__init(&list, pprof->source->profile);

	if (err)
		return err;
	for (i = 0; i < list.cnt && !pprof->error; i++) {
		write_sample(pprof, list.rows[i].sample);
		flush(pprof, FLUSH_BYTES);
	}
	sample_list__destroy(&list);
	return pprof->error;
}

static void write_mapping(struct pprof *pprof, size_t index, uint32_t id)
{
	const struct symbol_mapping *mapping = &pprof->source->symbols->mappings[index];
	uint32_t path = source_string(pprof, mapping->path);
	uint32_t build_id = source_string(pprof, mapping->build_id);
	struct protobuf *message = &pprof->message;
	size_t opened = protobuf__open(message, PROFILE_MAPPING);

	protobuf__uint64(message, MAPPING_ID, id);
	protobuf__uint64(message, MAPPING_MEMORY_START, mapping->start);
	protobuf__uint64(message, MAPPING_MEMORY_LIMIT, mapping->limit);
	protobuf__uint64(message, MAPPING_FILE_OFFSET, mapping->offset);
	protobuf__int64(message, MAPPING_FILENAME, path);
	protobuf__int64(message, MAPPING_BUILD_ID, build_id);
	protobuf__uint64(message, MAPPING_HAS_FUNCTIONS, mapping->has_functions);
	protobuf__uint64(message, MAPPING_HAS_FILENAMES, mapping->has_filenames);
	protobuf__uint64(message, MAPPING_HAS_LINE_NUMBERS, mapping->has_line_numbers);
	protobuf__uint64(message, MAPPING_HAS_INLINE_FRAMES, mapping->has_inline_frames);
	protobuf__close(message, opened);
	pprof->mapping_ids[index] = id;
}

/* profile.proto: "The first mapping should be the main binary." */
static void write_mappings(struct pprof *pprof)
{
	const struct symbols *symbols = pprof->source->symbols;
	uint32_t main_mapping = frames__main_mapping(symbols, pprof->mapping_weights);
	uint32_t id = 1;
	size_t i;

	if (main_mapping != UINT32_MAX)
		write_mapping(pprof, main_mapping, id++);
	for (i = 0; i < symbols->mapping_cnt; i++) {
		if (pprof->mapping_weights[i] && i != main_mapping)
			write_mapping(pprof, i, id++);
		flush(pprof, FLUSH_BYTES);
	}
}

static void write_function(struct pprof *pprof, const struct function *function)
{
	struct protobuf *message = &pprof->message;
	size_t opened = protobuf__open(message, PROFILE_FUNCTION);

	protobuf__uint64(message, FUNCTION_ID, function->id);
	protobuf__int64(message, FUNCTION_NAME, function->key.name);
	protobuf__int64(message, FUNCTION_SYSTEM_NAME, function->key.system_name);
	protobuf__int64(message, FUNCTION_FILENAME, function->key.filename);
	protobuf__int64(message, FUNCTION_START_LINE, function->key.start_line);
	protobuf__close(message, opened);
}

/* The id of a line's function, which is written when it is new. 0: out of memory. */
static uint32_t function_id(struct pprof *pprof, const struct symbol_line *line)
{
	struct function_key key = {
		.name = source_string(pprof, line->function),
		.system_name = source_string(pprof, line->system_name),
		.filename = source_string(pprof, line->file),
		.start_line = line->start_line,
	};
	struct function *function;

	HASH_FIND(hh, pprof->functions, &key, sizeof(key), function);
	if (function)
		return function->id;
	function = calloc(1, sizeof(*function));
	if (!function) {
		set_error(pprof, -ENOMEM);
		return 0;
	}
	function->key = key;
	function->id = HASH_COUNT(pprof->functions) + 1;
	HASH_ADD(hh, pprof->functions, key, sizeof(key), function);
	if (!function->hh.tbl) {
		free(function);
		set_error(pprof, -ENOMEM);
		return 0;
	}
	write_function(pprof, function);
	return function->id;
}

static void write_location(struct pprof *pprof, size_t index)
{
	const struct symbol_location *location = frames__location(pprof->source->symbols, index);
	struct protobuf *message = &pprof->message;
	uint32_t mapping_id = 0;
	size_t opened;
	size_t line;
	size_t i;

	/* Before the location is begun: what is new is written here. */
	for (i = 0; i < location->line_cnt; i++)
		function_id(pprof, &location->lines[i]);
	if (location->mapping < pprof->source->symbols->mapping_cnt)
		mapping_id = pprof->mapping_ids[location->mapping];
	opened = protobuf__open(message, PROFILE_LOCATION);
	protobuf__uint64(message, LOCATION_ID, (uint64_t)index + 1);
	protobuf__uint64(message, LOCATION_MAPPING_ID, mapping_id);
	protobuf__uint64(message, LOCATION_ADDRESS, location->address);
	for (i = 0; i < location->line_cnt && !pprof->error; i++) {
		line = protobuf__open(message, LOCATION_LINE);
		protobuf__uint64(
			message, LINE_FUNCTION_ID, function_id(pprof, &location->lines[i]));
		protobuf__int64(message, LINE_LINE, location->lines[i].line);
		protobuf__close(message, line);
	}
	protobuf__close(message, opened);
}

static void write_locations(struct pprof *pprof)
{
	size_t cnt = frames__location_cnt(pprof->source->symbols);
	size_t i;

	for (i = 0; i < cnt && !pprof->error; i++) {
		if (!pprof->location_used[i])
			continue;
		write_location(pprof, i);
		flush(pprof, FLUSH_BYTES);
	}
}

static void destroy(struct pprof *pprof)
{
	struct function *function, *next;

	HASH_ITER (hh, pprof->functions, function, next) {
		HASH_DEL(pprof->functions, function);
		free(function);
	}
	gzip__free(pprof->gzip);
	names__free(pprof->strings);
	protobuf__free(&pprof->message);
	free(pprof->location_used);
	free(pprof->mapping_weights);
	free(pprof->mapping_ids);
}

int pprof__write(const struct output_source *source, FILE *out)
{
	const struct symbols *symbols = source->symbols;
	struct pprof pprof = {
		.source = source,
		.gzip = gzip__new(out),
		.strings = names__new(),
		.location_used = calloc(frames__location_cnt(symbols), sizeof(bool)),
		.mapping_weights = calloc(symbols->mapping_cnt + 1, sizeof(uint64_t)),
		.mapping_ids = calloc(symbols->mapping_cnt + 1, sizeof(uint32_t)),
	};
	int err = -ENOMEM;

	if (!pprof.gzip || !pprof.strings || !pprof.location_used || !pprof.mapping_weights ||
		!pprof.mapping_ids)
		goto out;
	write_header(&pprof);
	err = write_samples(&pprof);
	if (err)
		goto out;
	write_mappings(&pprof);
	write_locations(&pprof);
	flush(&pprof, 0);
	err = pprof.error ? pprof.error : gzip__finish(pprof.gzip);
out:
	destroy(&pprof);
	return err;
}
