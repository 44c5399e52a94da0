// SPDX-License-Identifier: GPL-2.0
/* A profile as the texts of Go's debug=1 and debug=2. */
#include "output/legacy.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "output/frames.h"
#include "output/sample_list.h"
#include "output/text.h"

/* What pprof divides counts of "heap/N" by is N / 2, and by 1 nothing is scaled: our values are estimates of all already. */
#define HEAP_PERIOD 2

struct legacy {
	const struct output_source *source;
	struct sample_list list;
	FILE *out;
};

static int compare_rows(const void *left, const void *right, void *arg)
{
	const struct output_source *source = arg;
	int64_t a = frames__value(source, ((const struct sample_list_row *)left)->sample);
	int64_t b = frames__value(source, ((const struct sample_list_row *)right)->sample);

	return (a < b) - (a > b);
}

/* Addresses of different files must not be the same number: what is mapping I is I + 1 TiB up, and the mappings at the end
 * say so. pprof takes each address for a return address and subtracts 1. */
static uint64_t address_of(const struct symbol_location *location)
{
	uint64_t base = location->frame & FRAME_FILE ? (uint64_t)(location->mapping + 1) << 40 : 0;

	return base + location->address + 1;
}

static void print_addresses(struct legacy *legacy, const uint32_t *frames, size_t frame_cnt)
{
	size_t i, printed_cnt = 0;

	fputs(" @", legacy->out);
	for (i = 0; i < frame_cnt; i++) {
		const struct symbol_location *location = frames__location(
			legacy->source->symbols, frames[i]);

		if (location->address) {
			fprintf(legacy->out, " %#" PRIx64, address_of(location));
			printed_cnt++;
		}
	}
	/* "[lost]" has no address, and a line must have one */
	if (!printed_cnt)
		fputs(" 0x0", legacy->out);
	fputc('\n', legacy->out);
}

static void print_line(struct legacy *legacy, const struct symbol_location *location,
	const char *function, const struct symbol_line *line)
{
	const struct symbols *symbols = legacy->source->symbols;

	fprintf(legacy->out, "#\t%#" PRIx64 "\t", location->address);
	text__print_escaped(function, legacy->out);
	fputc('\t', legacy->out);
	if (line && line->file) {
		text__print_escaped(line->file, legacy->out);
		fprintf(legacy->out, ":%" PRIu32, line->line);
	} else if (location->mapping < symbols->mapping_cnt) {
		text__print_escaped(symbols->mappings[location->mapping].path, legacy->out);
	}
	fputc('\n', legacy->out);
}

static void print_functions(struct legacy *legacy, const uint32_t *frames, size_t frame_cnt)
{
	char unnamed[512];
	uint32_t line;
	size_t i;

	for (i = 0; i < frame_cnt; i++) {
		const struct symbol_location *location = frames__location(
			legacy->source->symbols, frames[i]);

		if (!location->line_cnt)
			print_line(legacy, location,
				symbol_location__name(legacy->source->symbols, location, unnamed,
					sizeof(unnamed)),
				NULL);
		for (line = 0; line < location->line_cnt; line++)
			print_line(legacy, location, location->lines[line].function,
				&location->lines[line]);
	}
	fputc('\n', legacy->out);
}

static void print_labels(struct legacy *legacy, const struct sample_key *key)
{
	char comm[TASK_COMM_BYTES + 1] = {0}, thread[TASK_COMM_BYTES + 1] = {0};

	memcpy(comm, key->comm, sizeof(key->comm));
	memcpy(thread, key->thread, sizeof(key->thread));
	fprintf(legacy->out, "# labels: {\"comm\":");
	text__print_quoted(comm, legacy->out);
	fprintf(legacy->out, ", \"pid\":\"%" PRIu32 "\", \"thread\":", key->pid);
	text__print_quoted(thread, legacy->out);
	fputs("}\n", legacy->out);
}

static void print_heap_values(FILE *out, const uint64_t *values)
{
	fprintf(out, "%" PRId64 ": %" PRId64 " [%" PRId64 ": %" PRId64 "]", (int64_t)values[2],
		(int64_t)values[3], (int64_t)values[0], (int64_t)values[1]);
}

static void print_values(struct legacy *legacy, const struct sample *sample)
{
	switch (legacy->source->profile->kind->value_cnt) {
	case 4:
		print_heap_values(legacy->out, sample->values);
		break;
	case 2: /* delay, count; the other way round than in the proto */
		fprintf(legacy->out, "%" PRId64 " %" PRId64, (int64_t)sample->values[1],
			(int64_t)sample->values[0]);
		break;
	default:
		fprintf(legacy->out, "%" PRId64, (int64_t)sample->values[0]);
		break;
	}
}

static void print_head(struct legacy *legacy, const char *name)
{
	const struct profile_kind *kind = legacy->source->profile->kind;
	uint64_t sums[PROFILE_VALUES_MAX] = {0};
	size_t i, v;

	for (i = 0; i < legacy->list.cnt; i++)
		for (v = 0; v < kind->value_cnt; v++)
			sums[v] += legacy->list.rows[i].sample->values[v];
	if (kind->value_cnt == 4) {
		fputs("heap profile: ", legacy->out);
		print_heap_values(legacy->out, sums);
		fprintf(legacy->out, " @ heap/%d\n", HEAP_PERIOD);
	} else if (kind == &profile_kind_mutex) {
		fputs("--- mutex:\ncycles/second=1000000000\nsampling period=1\n", legacy->out);
	} else if (kind->value_cnt == 2) {
		fputs("--- contention:\ncycles/second=1000000000\n", legacy->out);
	} else {
		fprintf(legacy->out, "%s profile: total %" PRId64 "\n", name, (int64_t)sums[0]);
	}
	for (i = 0; i < legacy->source->comment_cnt; i++) {
		fputs("# ", legacy->out);
		text__print_escaped(legacy->source->comments[i], legacy->out);
		fputc('\n', legacy->out);
	}
}

static void print_mappings(struct legacy *legacy)
{
	const struct symbols *symbols = legacy->source->symbols;
	uint64_t base;
	size_t i;

	if (!symbols->mapping_cnt)
		return;
	fputs("\n--- Memory map: ---\n", legacy->out);
	for (i = 0; i < symbols->mapping_cnt; i++) {
		const struct symbol_mapping *mapping = &symbols->mappings[i];

		if (mapping->path[0] != '/' || mapping->limit <= mapping->start)
			continue;
		base = (uint64_t)(i + 1) << 40;
		fprintf(legacy->out, "%08" PRIx64 "-%08" PRIx64 " r-xp %08" PRIx64 " 00:00 0 ",
			base + mapping->start, base + mapping->limit, mapping->offset);
		text__print_escaped(mapping->path, legacy->out);
		fputc('\n', legacy->out);
	}
}

static void print_counts(struct legacy *legacy, const char *name)
{
	uint32_t frames[SAMPLE_FRAMES_MAX];
	size_t i, frame_cnt;

	print_head(legacy, name);
	for (i = 0; i < legacy->list.cnt; i++) {
		const struct sample *sample = legacy->list.rows[i].sample;

		frame_cnt = frames__of(legacy->source, sample, frames);
		print_values(legacy, sample);
		print_addresses(legacy, frames, frame_cnt);
		print_labels(legacy, &sample->key);
		print_functions(legacy, frames, frame_cnt);
	}
	print_mappings(legacy);
}

int legacy__write(const struct output_source *source, const char *name, FILE *out)
{
	struct legacy legacy = {.source = source, .out = out};
	int err = sample_list__init(&legacy.list, source->profile);

	if (err)
		return err;
	qsort_r(legacy.list.rows, legacy.list.cnt, sizeof(*legacy.list.rows), compare_rows,
		(void *)source);
	print_counts(&legacy, name);
	sample_list__destroy(&legacy.list);
	return fflush(out) ? -errno : ferror(out) ? -EIO : 0;
}
