// SPDX-License-Identifier: GPL-2.0
/* Several pprof files as one. */
#include "output/pprof_merge.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "output/gzip.h"
#include "output/names.h"
#include "output/profile_proto.h"
#include "output/protobuf.h"
#include "output/protobuf_reader.h"

#define FLUSH_BYTES (32 * 1024)
#define FIELDS_MAX  16 /* profile.proto's messages have fewer */
#define ID_MAX      UINT32_MAX

/* What becomes of a field. */
enum rule {
	RULE_DROP,
	RULE_KEEP,
	RULE_STRING,   /* a number of the string table */
	RULE_MAPPING,  /* an id */
	RULE_LOCATION, /* an id, or packed ones */
	RULE_FUNCTION,
	RULE_LABEL, /* a message */
	RULE_LINE,
	RULE_VALUE_TYPE,
	RULE_CNT,
};

static const enum rule value_type_rules[FIELDS_MAX] = {
	[VALUE_TYPE_TYPE] = RULE_STRING, [VALUE_TYPE_UNIT] = RULE_STRING};
static const enum rule sample_rules[FIELDS_MAX] = {[SAMPLE_LOCATION_ID] = RULE_LOCATION,
	[SAMPLE_VALUE] = RULE_KEEP,
	[SAMPLE_LABEL] = RULE_LABEL};
static const enum rule label_rules[FIELDS_MAX] = {
	[LABEL_KEY] = RULE_STRING, [LABEL_STR] = RULE_STRING, [LABEL_NUM] = RULE_KEEP};
static const enum rule mapping_rules[FIELDS_MAX] = {[MAPPING_ID] = RULE_MAPPING,
	[MAPPING_MEMORY_START] = RULE_KEEP,
	[MAPPING_MEMORY_LIMIT] = RULE_KEEP,
	[MAPPING_FILE_OFFSET] = RULE_KEEP,
	[MAPPING_FILENAME] = RULE_STRING,
	[MAPPING_BUILD_ID] = RULE_STRING,
	[MAPPING_HAS_FUNCTIONS] = RULE_KEEP,
	[MAPPING_HAS_FILENAMES] = RULE_KEEP,
	[MAPPING_HAS_LINE_NUMBERS] = RULE_KEEP,
	[MAPPING_HAS_INLINE_FRAMES] = RULE_KEEP};
static const enum rule location_rules[FIELDS_MAX] = {[LOCATION_ID] = RULE_LOCATION,
	[LOCATION_MAPPING_ID] = RULE_MAPPING,
	[LOCATION_ADDRESS] = RULE_KEEP,
	[LOCATION_LINE] = RULE_LINE};
static const enum rule line_rules[FIELDS_MAX] = {
	[LINE_FUNCTION_ID] = RULE_FUNCTION, [LINE_LINE] = RULE_KEEP};
static const enum rule function_rules[FIELDS_MAX] = {[FUNCTION_ID] = RULE_FUNCTION,
	[FUNCTION_NAME] = RULE_STRING,
	[FUNCTION_SYSTEM_NAME] = RULE_STRING,
	[FUNCTION_FILENAME] = RULE_STRING,
	[FUNCTION_START_LINE] = RULE_KEEP};

static const enum rule *const message_rules[RULE_CNT] = {
	[RULE_LABEL] = label_rules, [RULE_LINE] = line_rules, [RULE_VALUE_TYPE] = value_type_rules};

struct pprof_merge {
	struct gzip *gzip;
	struct protobuf message; /* whole fields of Profile, not compressed yet */
	struct names *strings;
	uint32_t pid;
	uint64_t base[RULE_CNT]; /* what is added to this file's ids */
	uint64_t next[RULE_CNT]; /* one more than the largest id so far */
	uint32_t *string_of;     /* this file's string numbers */
	size_t string_cnt, string_max;
	uint64_t pid_key; /* the number of "pid" in this file; 0: not there */
	unsigned int file_cnt;
	struct protobuf first_types, types; /* of the first file, and of this one */
	int64_t time_ns, duration_ns;
};

struct pprof_merge *pprof_merge__new(FILE *out, uint32_t pid)
{
	struct pprof_merge *merge = calloc(1, sizeof(*merge));
	uint32_t empty;

	if (!merge)
		return NULL;
	merge->pid = pid;
	merge->gzip = gzip__new(out);
	merge->strings = names__new();
	if (!merge->gzip || !merge->strings || names__add(merge->strings, "", 0, &empty) < 0) {
		pprof_merge__free(merge);
		return NULL;
	}
	protobuf__bytes(&merge->message, PROFILE_STRING_TABLE, "", 0);
	return merge;
}

void pprof_merge__free(struct pprof_merge *merge)
{
	if (!merge)
		return;
	gzip__free(merge->gzip);
	names__free(merge->strings);
	protobuf__free(&merge->message);
	protobuf__free(&merge->first_types);
	protobuf__free(&merge->types);
	free(merge->string_of);
	free(merge);
}

static int merge__flush(struct pprof_merge *merge, size_t bytes_min)
{
	int err = merge->message.error;

	if (err || merge->message.bytes < bytes_min)
		return err;
	err = gzip__write(merge->gzip, merge->message.data, merge->message.bytes);
	merge->message.bytes = 0;
	return err;
}

static int merge__add_string(struct pprof_merge *merge, const struct protobuf_reader *text)
{
	size_t bytes = (size_t)(text->end - text->at);
	uint32_t *grown;
	int added;

	if (merge->string_cnt == merge->string_max) {
		merge->string_max = merge->string_max ? 2 * merge->string_max : 1024;
		grown = realloc(merge->string_of, merge->string_max * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		merge->string_of = grown;
	}
	if (bytes == 3 && !memcmp(text->at, "pid", 3))
		merge->pid_key = merge->string_cnt;
	added = names__add(merge->strings, (const char *)text->at, bytes,
		&merge->string_of[merge->string_cnt++]);
	if (added > 0)
		protobuf__bytes(&merge->message, PROFILE_STRING_TABLE, text->at, bytes);
	return added < 0 ? added : 0;
}

/* A number as it is in the merged profile. */
static int merge__map(struct pprof_merge *merge, enum rule rule, uint64_t value, uint64_t *ret)
{
	*ret = value;
	if (rule == RULE_STRING) {
		if (value >= merge->string_cnt)
			return -EINVAL;
		*ret = merge->string_of[value];
	} else if (rule == RULE_MAPPING || rule == RULE_LOCATION || rule == RULE_FUNCTION) {
		if (value > ID_MAX)
			return -EINVAL;
		if (value)
			*ret = value + merge->base[rule];
		if (*ret >= merge->next[rule])
			merge->next[rule] = *ret + 1;
	}
	return 0;
}

static int merge__copy_packed(struct pprof_merge *merge, enum rule rule,
	struct protobuf_reader numbers, struct protobuf *out)
{
	uint64_t value;
	int more, err = 0;

	while (!err && (more = protobuf_reader__packed(&numbers, &value)) > 0) {
		err = merge__map(merge, rule, value, &value);
		protobuf__packed(out, value);
	}
	return err ? err : more;
}

static int merge__copy(struct pprof_merge *merge, const enum rule *rules,
	struct protobuf_reader reader, struct protobuf *out);

/* A field of bytes; messages nest two deep. */
static int merge__copy_bytes(struct pprof_merge *merge, enum rule rule,
	const struct protobuf_field *field, struct protobuf *out)
{
	size_t opened;
	int err;

	if (rule == RULE_STRING || rule == RULE_MAPPING || rule == RULE_FUNCTION)
		return -EINVAL;
	if (rule == RULE_KEEP) {
		protobuf__bytes(out, field->number, field->bytes.at,
			(size_t)(field->bytes.end - field->bytes.at));
		return 0;
	}
	opened = protobuf__open(out, field->number);
	err = rule == RULE_LOCATION ? merge__copy_packed(merge, rule, field->bytes, out)
				    : merge__copy(merge, message_rules[rule], field->bytes, out);
	protobuf__close(out, opened);
	return err;
}

static int merge__copy(struct pprof_merge *merge, const enum rule *rules,
	struct protobuf_reader reader, struct protobuf *out)
{
	struct protobuf_field field;
	int more = 0, err = 0;

	while (!err && (more = protobuf_reader__next(&reader, &field)) > 0) {
		enum rule rule = field.number < FIELDS_MAX ? rules[field.number] : RULE_DROP;

		if (rule == RULE_DROP)
			continue;
		if (field.is_bytes) {
			err = merge__copy_bytes(merge, rule, &field, out);
		} else if (message_rules[rule]) {
			err = -EINVAL;
		} else {
			err = merge__map(merge, rule, field.value, &field.value);
			protobuf__uint64(out, field.number, field.value);
		}
	}
	return err ? err : more;
}

static int merge__copy_message(struct pprof_merge *merge, const enum rule *rules,
	const struct protobuf_field *field, struct protobuf *out)
{
	size_t opened;
	int err;

	if (!field->is_bytes)
		return -EINVAL;
	opened = protobuf__open(out, field->number);
	err = merge__copy(merge, rules, field->bytes, out);
	protobuf__close(out, opened);
	return err ? err : merge__flush(merge, FLUSH_BYTES);
}

/* 1, 0 or -EINVAL. */
static int merge__wants(const struct pprof_merge *merge, struct protobuf_reader sample)
{
	struct protobuf_field field, part;
	uint64_t key, number;
	int more;

	if (!merge->pid)
		return 1;
	while ((more = protobuf_reader__next(&sample, &field)) > 0) {
		if (field.number != SAMPLE_LABEL || !field.is_bytes)
			continue;
		key = number = 0;
		while ((more = protobuf_reader__next(&field.bytes, &part)) > 0) {
			if (part.number == LABEL_KEY)
				key = part.value;
			else if (part.number == LABEL_NUM)
				number = part.value;
		}
		if (more < 0)
			return more;
		if (key && key == merge->pid_key && number == merge->pid)
			return 1;
	}
	return more;
}

/* What a profile has once: the first file's is taken. */
static int merge__add_header(struct pprof_merge *merge, const struct protobuf_field *field)
{
	uint64_t value;
	int err;

	switch (field->number) {
	case PROFILE_TIME_NANOS:
		if (!merge->file_cnt || (int64_t)field->value < merge->time_ns)
			merge->time_ns = (int64_t)field->value;
		return 0;
	case PROFILE_DURATION_NANOS: /* added up, as pprof does it: gaps are not in it */
		return __builtin_add_overflow(
			       merge->duration_ns, (int64_t)field->value, &merge->duration_ns)
			       ? -EBADMSG
			       : 0;
	case PROFILE_SAMPLE_TYPE:
		return merge__copy_message(merge, value_type_rules, field,
			merge->file_cnt ? &merge->types : &merge->first_types);
	default:
		break;
	}
	if (merge->file_cnt)
		return 0;
	if (field->number == PROFILE_PERIOD_TYPE)
		return merge__copy_message(merge, value_type_rules, field, &merge->message);
	err = merge__map(merge, field->number == PROFILE_PERIOD ? RULE_KEEP : RULE_STRING,
		field->value, &value);
	protobuf__uint64(&merge->message, field->number, value);
	return err;
}

static int merge__add_field(struct pprof_merge *merge, const struct protobuf_field *field)
{
	int wants;

	switch (field->number) {
	case PROFILE_SAMPLE:
		wants = field->is_bytes ? merge__wants(merge, field->bytes) : -EINVAL;
		return wants <= 0
			       ? wants
			       : merge__copy_message(merge, sample_rules, field, &merge->message);
	case PROFILE_MAPPING:
		return merge__copy_message(merge, mapping_rules, field, &merge->message);
	case PROFILE_LOCATION:
		return merge__copy_message(merge, location_rules, field, &merge->message);
	case PROFILE_FUNCTION:
		return merge__copy_message(merge, function_rules, field, &merge->message);
	case PROFILE_SAMPLE_TYPE:
	case PROFILE_PERIOD_TYPE:
		return field->is_bytes ? merge__add_header(merge, field) : -EINVAL;
	case PROFILE_DROP_FRAMES:
	case PROFILE_TIME_NANOS:
	case PROFILE_DURATION_NANOS:
	case PROFILE_PERIOD:
	case PROFILE_COMMENT:
	case PROFILE_DEFAULT_SAMPLE_TYPE:
		return field->is_bytes ? -EINVAL : merge__add_header(merge, field);
	default:
		return 0;
	}
}

/* Strings may stand behind the messages that name them. */
static int merge__add_strings(struct pprof_merge *merge, struct protobuf_reader reader)
{
	struct protobuf_field field;
	int more = 0, err = 0;

	merge->string_cnt = 0;
	merge->pid_key = 0;
	while (!err && (more = protobuf_reader__next(&reader, &field)) > 0)
		if (field.number == PROFILE_STRING_TABLE)
			err = field.is_bytes ? merge__add_string(merge, &field.bytes) : -EINVAL;
	return err ? err : more;
}

int pprof_merge__add(struct pprof_merge *merge, const void *data, size_t bytes)
{
	struct protobuf_reader reader = protobuf_reader__of(data, bytes);
	struct protobuf_field field;
	int more = 0, err = merge__add_strings(merge, reader), i;

	for (i = 0; i < RULE_CNT; i++)
		merge->base[i] = merge->next[i];
	merge->types.bytes = 0;
	while (!err && (more = protobuf_reader__next(&reader, &field)) > 0)
		err = merge__add_field(merge, &field);
	if (err || more)
		return err ? err : more;
	if (merge->file_cnt &&
		(merge->types.bytes != merge->first_types.bytes ||
			(merge->types.bytes && memcmp(merge->types.data, merge->first_types.data,
						       merge->types.bytes) != 0)))
		return -EINVAL;
	merge->file_cnt++;
	return merge__flush(merge, FLUSH_BYTES);
}

int pprof_merge__finish(struct pprof_merge *merge)
{
	int err;

	protobuf__int64(&merge->message, PROFILE_TIME_NANOS, merge->time_ns);
	protobuf__int64(&merge->message, PROFILE_DURATION_NANOS, merge->duration_ns);
	err = merge->first_types.error ? merge->first_types.error : merge__flush(merge, 0);
	if (!err && merge->first_types.bytes)
		err = gzip__write(merge->gzip, merge->first_types.data, merge->first_types.bytes);
	return err ? err : gzip__finish(merge->gzip);
}
