// SPDX-License-Identifier: GPL-2.0
/* A profile as folded stacks (github.com/brendangregg/FlameGraph, stackcollapse-perf.pl). */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "output/folded.h"
#include "output/frames.h"
#include "output/location_names.h"
#include "output/names.h"
#include "output/text.h"

#define KERNEL_SUFFIX "_[k]"

/* A line: comm, root .. leaf as names in folded.words[first .. first + cnt). */
struct line {
	size_t first;
	size_t cnt;
	int64_t value;
};

struct folded {
	const struct output_source *source;
	struct names *names;
	struct location_names locations;
	uint32_t *ranks; /* by name: its place among all names */
	uint32_t *words;
	size_t word_cnt;
	size_t words_max;
	struct line *lines;
	size_t line_cnt;
};

static int add_folded_text(
	struct names *names, const char *text, size_t bytes, const char *suffix, uint32_t *ret_name)
{
	size_t suffix_bytes = strlen(suffix);
	char *folded = malloc(bytes + suffix_bytes + 1);
	int err;

	if (!folded)
		return -ENOMEM;
	memcpy(folded, text, bytes);
	text__fold(folded, bytes);
	memcpy(folded + bytes, suffix, suffix_bytes + 1);
	err = names__add(names, folded, bytes + suffix_bytes, ret_name);
	free(folded);
	return err;
}

static int add_location_name(struct names *names, const struct symbol_location *location,
	const char *text, uint32_t *ret_name)
{
	const char *suffix = location->frame & FRAME_FILE     ? ""
			     : location->frame & FRAME_KERNEL ? KERNEL_SUFFIX
							      : "";

	return add_folded_text(names, text, strlen(text), suffix, ret_name);
}

static int add_word(struct folded *folded, uint32_t name)
{
	size_t max = folded->words_max ? 2 * folded->words_max : 4096;
	uint32_t *words;

	if (folded->word_cnt == folded->words_max) {
		words = reallocarray(folded->words, max, sizeof(*words));
		if (!words)
			return -ENOMEM;
		folded->words = words;
		folded->words_max = max;
	}
	folded->words[folded->word_cnt++] = name;
	return 0;
}

static int add_comm(struct folded *folded, const struct sample_key *key)
{
	size_t bytes = strnlen(key->comm, sizeof(key->comm));
	const char *comm = bytes ? key->comm : "[unknown]";
	uint32_t name;
	int err = add_folded_text(
		folded->names, comm, bytes ? bytes : strlen("[unknown]"), "", &name);

	return err < 0 ? err : add_word(folded, name);
}

static int add_line(const struct sample *sample, void *arg)
{
	struct folded *folded = arg;
	struct line *line = &folded->lines[folded->line_cnt];
	const uint32_t *first = folded->locations.first;
	uint32_t frames[SAMPLE_FRAMES_MAX];
	size_t i = frames__of(folded->source, sample, frames);
	uint32_t name;
	int err = 0;

	line->first = folded->word_cnt;
	line->value = frames__value(folded->source, sample);
	err = add_comm(folded, &sample->key);
	while (!err && i--) {
		for (name = first[frames[i] + 1]; !err && name-- > first[frames[i]];)
			err = add_word(folded, folded->locations.names[name]);
	}
	line->cnt = folded->word_cnt - line->first;
	folded->line_cnt++;
	return err;
}

static int compare_names(const void *left, const void *right, void *arg)
{
	return strcmp(names__text(arg, *(const uint32_t *)left),
		names__text(arg, *(const uint32_t *)right));
}

/* So that lines are compared by numbers. */
static int rank_names(struct folded *folded)
{
	size_t cnt = names__cnt(folded->names);
	uint32_t *sorted = calloc(cnt + 1, sizeof(*sorted));
	size_t i;

	folded->ranks = calloc(cnt + 1, sizeof(*folded->ranks));
	if (!sorted || !folded->ranks) {
		free(sorted);
		return -ENOMEM;
	}
	for (i = 0; i < cnt; i++)
		sorted[i] = i;
	qsort_r(sorted, cnt, sizeof(*sorted), compare_names, folded->names);
	for (i = 0; i < cnt; i++)
		folded->ranks[sorted[i]] = i;
	free(sorted);
	return 0;
}

static int compare_lines(const void *left, const void *right, void *arg)
{
	const struct folded *folded = arg;
	const struct line *a = left;
	const struct line *b = right;
	uint32_t a_rank, b_rank;
	size_t i;

	for (i = 0; i < a->cnt && i < b->cnt; i++) {
		a_rank = folded->ranks[folded->words[a->first + i]];
		b_rank = folded->ranks[folded->words[b->first + i]];
		if (a_rank != b_rank)
			return a_rank < b_rank ? -1 : 1;
	}
	return (a->cnt > b->cnt) - (a->cnt < b->cnt);
}

static int print_line(
	const struct folded *folded, const struct line *line, int64_t value, FILE *out)
{
	size_t i;

	for (i = 0; i < line->cnt; i++) {
		if ((i && fputc(';', out) == EOF) ||
			fputs(names__text(folded->names, folded->words[line->first + i]), out) ==
				EOF)
			return -errno;
	}
	return fprintf(out, " %" PRId64 "\n", value) < 0 ? -errno : 0;
}

static int print_lines(const struct folded *folded, FILE *out)
{
	int64_t value = 0;
	size_t i;
	int err = 0;

	for (i = 0; !err && i < folded->line_cnt; i++) {
		value += folded->lines[i].value;
		if (i + 1 < folded->line_cnt && compare_lines(&folded->lines[i],
							&folded->lines[i + 1], (void *)folded) == 0)
			continue;
		if (value)
			err = print_line(folded, &folded->lines[i], value, out);
		value = 0;
	}
	return !err && fflush(out) ? -errno : err;
}

int folded__write(const struct output_source *source, FILE *out)
{
	size_t sample_cnt = profile__sample_cnt(source->profile);
	struct folded folded = {
		.source = source,
		.names = names__new(),
		.lines = calloc(sample_cnt + 1, sizeof(struct line)),
	};
	int err = -ENOMEM;

	if (!folded.names || !folded.lines)
		goto out;
	err = location_names__init(
		&folded.locations, source->symbols, folded.names, add_location_name);
	if (!err)
		err = profile__each(source->profile, add_line, &folded);
	if (!err)
		err = rank_names(&folded);
	if (err)
		goto out;
	qsort_r(folded.lines, folded.line_cnt, sizeof(*folded.lines), compare_lines, &folded);
	err = print_lines(&folded, out);
out:
	location_names__destroy(&folded.locations);
	names__free(folded.names);
	free(folded.ranks);
	free(folded.words);
	free(folded.lines);
	return err;
}
