// SPDX-License-Identifier: GPL-2.0
/* Threads and their stacks as text. */
#include "output/threads_text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "output/frames.h"
#include "output/text.h"
#include "output/thread_state.h"

/* A comm may fill its bytes without a NUL. */
static int print_name(const char name[TASK_COMM_BYTES], FILE *out)
{
	char text[TASK_COMM_BYTES + 1] = {0};

	memcpy(text, name, TASK_COMM_BYTES);
	return text__print_quoted(text, out);
}

static bool shows_kernel(const struct thread_record *record)
{
	uint32_t state = THREAD_STATE_WORD__STATE(record->state);

	return record->flags & THREAD_KERNEL || state == THREAD_DISK || state == THREAD_RUNNING;
}

bool threads_text__shows_kernel(const struct thread_record *records, size_t cnt)
{
	size_t i;

	for (i = 0; i < cnt; i++)
		if (shows_kernel(&records[i]))
			return true;
	return false;
}

static bool is_kernel(const struct symbol_location *location)
{
	return !(location->frame & FRAME_FILE) && location->frame & FRAME_KERNEL;
}

/* The locations of a thread that are shown, leaf first. A thread that has exited has none. */
static size_t frames_of(const struct threads_text *threads, const struct thread_record *record,
	const struct symbol_location *ret[SAMPLE_FRAMES_MAX])
{
	struct sample sample = {
		.key = {.stack = record->stack, .start_ns = record->start_ns, .pid = record->pid}};
	uint32_t frames[SAMPLE_FRAMES_MAX];
	size_t cnt, i, shown = 0;

	if (THREAD_STATE_WORD__STATE(record->state) == THREAD_DEAD)
		return 0;
	cnt = frames__of(threads->source, &sample, frames);
	for (i = 0; i < cnt; i++) {
		ret[shown] = frames__location(threads->source->symbols, frames[i]);
		if (shows_kernel(record) || !is_kernel(ret[shown]))
			shown++;
	}
	return shown;
}

/* "\tfile:line /path+0x1234", of which each part may be missing. */
static int print_place(const struct threads_text *threads, const struct symbol_location *location,
	const struct symbol_line *line, FILE *out)
{
	const struct symbols *symbols = threads->source->symbols;
	const char *sep = "\t";
	int err = 0;

	if (line && line->file) {
		fputs(sep, out);
		err = text__print_escaped(line->file, out);
		fprintf(out, ":%" PRIu32, line->line);
		sep = " ";
	}
	if (!err && location->mapping < symbols->mapping_cnt) {
		fputs(sep, out);
		err = text__print_escaped(symbols->mappings[location->mapping].path, out);
		fprintf(out, "+0x%" PRIx64, location->address);
		sep = "";
	}
	if (*sep != '\t')
		fputc('\n', out);
	return err;
}

static int print_frame(
	const struct threads_text *threads, const struct symbol_location *location, FILE *out)
{
	char unnamed[512];
	uint32_t i;
	int err;

	if (!location->line_cnt) {
		err = text__print_escaped(symbol_location__name(threads->source->symbols, location,
						  unnamed, sizeof(unnamed)),
			out);
		fputc('\n', out);
		return err ? err : print_place(threads, location, NULL, out);
	}
	for (i = 0; i < location->line_cnt; i++) {
		err = text__print_escaped(location->lines[i].function, out);
		fputs(i + 1 < location->line_cnt ? " (inline)\n" : "\n", out);
		if (!err)
			err = print_place(threads, location, &location->lines[i], out);
		if (err)
			return err;
	}
	return 0;
}

static int print_thread(
	const struct threads_text *threads, const struct thread_record *record, FILE *out)
{
	const struct symbol_location *locations[SAMPLE_FRAMES_MAX];
	char state[THREAD_STATE_BYTES], since[THREAD_STATE_BYTES];
	size_t cnt = frames_of(threads, record, locations), i;
	int err;

	fprintf(out, "\nthread %" PRIu32 " ", record->tid);
	err = print_name(record->thread, out);
	fprintf(out, " [%s", thread_state__text(record->state, state));
	if (record->in_state_ns != THREAD_IN_STATE_UNKNOWN) {
		thread_state__duration(record->in_state_ns, since);
		fprintf(out, ", %s", since);
	}
	fputs("]:\n", out);
	for (i = 0; !err && i < cnt; i++)
		err = print_frame(threads, locations[i], out);
	return err;
}

static int print_process(
	const struct threads_text *threads, size_t first, size_t *ret_end, FILE *out)
{
	const struct thread_record *record = &threads->records[first];
	size_t end = first + 1;
	int err;

	while (end < threads->cnt && threads->records[end].pid == record->pid)
		end++;
	fprintf(out, "%sprocess %" PRIu32 " ", first ? "\n" : "", record->pid);
	err = print_name(record->comm, out);
	fprintf(out, ": %zu thread%s\n", end - first, end - first == 1 ? "" : "s");
	for (; !err && first < end; first++)
		err = print_thread(threads, &threads->records[first], out);
	*ret_end = end;
	return err;
}

static int finish(FILE *out)
{
	if (fflush(out))
		return -errno;
	return ferror(out) ? -EIO : 0;
}

int threads_text__write(const struct threads_text *threads, FILE *out)
{
	size_t i = 0;
	int err = 0;

	while (!err && i < threads->cnt)
		err = print_process(threads, i, &i, out);
	return err ? err : finish(out);
}

/* Threads that are shown as one. */
struct group {
	const struct thread_record *first;
	size_t cnt;
};

static int compare_records(const void *left, const void *right)
{
	const struct thread_record *a = *(const struct thread_record *const *)left;
	const struct thread_record *b = *(const struct thread_record *const *)right;

	if (a->pid != b->pid)
		return a->pid < b->pid ? -1 : 1;
	if (a->state != b->state)
		return a->state < b->state ? -1 : 1;
	if (a->stack != b->stack)
		return a->stack < b->stack ? -1 : 1;
	return a->tid < b->tid ? -1 : a->tid > b->tid;
}

/* By size, and what is alike by the first thread: never by a hash, which differs from run to run. */
static int compare_groups(const void *left, const void *right)
{
	const struct group *a = left, *b = right;

	if (a->cnt != b->cnt)
		return a->cnt > b->cnt ? -1 : 1;
	if (a->first->pid != b->first->pid)
		return a->first->pid < b->first->pid ? -1 : 1;
	return a->first->tid < b->first->tid ? -1 : a->first->tid > b->first->tid;
}

static size_t fill_groups(const struct threads_text *threads, const struct thread_record **sorted,
	struct group *groups)
{
	size_t cnt = 0, i;

	for (i = 0; i < threads->cnt; i++)
		sorted[i] = &threads->records[i];
	qsort(sorted, threads->cnt, sizeof(*sorted), compare_records);
	for (i = 0; i < threads->cnt; i++) {
		struct group *group = &groups[cnt - (cnt > 0)];

		if (cnt && group->first->pid == sorted[i]->pid &&
			group->first->state == sorted[i]->state &&
			group->first->stack == sorted[i]->stack)
			group->cnt++;
		else
			groups[cnt++] = (struct group){.first = sorted[i], .cnt = 1};
	}
	qsort(groups, cnt, sizeof(*groups), compare_groups);
	return cnt;
}

static int print_group_frame(
	const struct threads_text *threads, const struct symbol_location *location, FILE *out)
{
	uint32_t i, cnt = location->line_cnt ? location->line_cnt : 1;
	char unnamed[512];
	int err = 0;

	for (i = 0; !err && i < cnt; i++) {
		const struct symbol_line *line = location->line_cnt ? &location->lines[i] : NULL;

		fprintf(out, "#\t0x%" PRIx64 "\t", location->address);
		err = text__print_escaped(line ? line->function
					       : symbol_location__name(threads->source->symbols,
							 location, unnamed, sizeof(unnamed)),
			out);
		if (!err && line && line->file) {
			fputc('\t', out);
			err = text__print_escaped(line->file, out);
			fprintf(out, ":%" PRIu32, line->line);
		}
		fputc('\n', out);
	}
	return err;
}

static int print_group(const struct threads_text *threads, const struct group *group, FILE *out)
{
	const struct symbol_location *locations[SAMPLE_FRAMES_MAX];
	size_t cnt = frames_of(threads, group->first, locations), i;
	const char *label = thread_state__label(group->first->state);
	int err = 0;

	fprintf(out, "%zu @", group->cnt);
	for (i = 0; i < cnt; i++)
		fprintf(out, " 0x%" PRIx64, locations[i]->address);
	fprintf(out, "\n# labels: {\"pid\":\"%" PRIu32 "\"", group->first->pid);
	if (label)
		fprintf(out, ", \"state\":\"%s\"", label);
	fputs("}\n", out);
	for (i = 0; !err && i < cnt; i++)
		err = print_group_frame(threads, locations[i], out);
	fputc('\n', out);
	return err;
}

int threads_text__write_grouped(const struct threads_text *threads, FILE *out)
{
	const struct thread_record **sorted = calloc(threads->cnt + 1, sizeof(*sorted));
	struct group *groups = calloc(threads->cnt + 1, sizeof(*groups));
	size_t cnt, i;
	int err = -ENOMEM;

	if (!sorted || !groups)
		goto out;
	err = 0;
	cnt = fill_groups(threads, sorted, groups);
	fprintf(out, "threads profile: total %zu\n", threads->cnt);
	for (i = 0; !err && i < cnt; i++)
		err = print_group(threads, &groups[i], out);
	if (!err)
		err = finish(out);
out:
	free(sorted);
	free(groups);
	return err;
}
