// SPDX-License-Identifier: GPL-2.0
/* Lines and inlined calls of compiled code: asks libdw in a child process, so that a broken file
 * costs its own names only, and no memory stays behind. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "process/file.h"
#include "symbol/dwarf_lookup.h"
#include "symbol/elf_view.h"
#include "symbol/memory.h"
#include "symbol/source.h"
#include "symbol/worker.h"

/* Of the child: .debug_* sections uncompressed, abbreviations and line tables. */
#define WORKER_MEMORY_BYTES (768u << 20)
#define TEXT_BYTES_MAX      4096

/* What the child writes for each address that it knows: this, then cnt calls. */
struct answer {
	uint32_t index;
	uint32_t cnt;
};

/* Then the name, the system name and the file. */
struct answer_call {
	uint32_t line, start_line;
	uint16_t name_len, system_name_len, file_len; /* 0: not known */
	uint16_t pad;
};

struct question {
	int fd;
	const uint64_t *addresses;
	size_t cnt;
	FILE *out; /* in the child */
};

static uint16_t text_len(const char *text)
{
	size_t len = text ? strlen(text) : 0;

	return len < TEXT_BYTES_MAX ? len : TEXT_BYTES_MAX;
}

static void write_call(FILE *out, const struct dwarf_call *call)
{
	char file[TEXT_BYTES_MAX + 1] = "";
	struct answer_call answer = {
		.line = call->line,
		.start_line = call->start_line,
		.name_len = text_len(call->name),
		.system_name_len = text_len(call->system_name),
	};

	if (call->file)
		snprintf(file, sizeof(file), "%s%s%s", call->dir ? call->dir : "",
			call->dir ? "/" : "", call->file);
	answer.file_len = text_len(file);
	fwrite(&answer, sizeof(answer), 1, out);
	fwrite(call->name ? call->name : "", 1, answer.name_len, out);
	fwrite(call->system_name ? call->system_name : "", 1, answer.system_name_len, out);
	fwrite(file, 1, answer.file_len, out);
}

static void write_answer(size_t index, const struct dwarf_call *calls, uint32_t cnt, void *arg)
{
	const struct question *question = arg;
	struct answer answer = {.index = index, .cnt = cnt};

	fwrite(&answer, sizeof(answer), 1, question->out);
	for (uint32_t i = 0; i < cnt; i++)
		write_call(question->out, &calls[i]);
}

static void run_child(int out, void *arg)
{
	struct question *question = arg;
	char path[64];
	int fd;

	/* A description of its own: the parent's keeps its file position. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", question->fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	question->out = fdopen(out, "w");
	if (!question->out)
		_exit(1);
	if (dwarf_lookup(fd >= 0 ? fd : question->fd, question->addresses, question->cnt,
		    write_answer, question) != 0)
		_exit(1);
	if (fflush(question->out) != 0)
		_exit(1);
}

static int intern(struct symbol_batch *batch, const char *text, uint16_t len, const char **ret)
{
	*ret = len ? symbol_memory__intern(batch->symbols->memory, text, len) : NULL;
	return len && !*ret ? -ENOMEM : 0;
}

/* 0; -EPIPE: the child has no more to say; -EBADMSG: it has gone mad; -ENOMEM. */
static int read_call(struct symbol_batch *batch, struct worker *worker, struct symbol_line *line)
{
	char name[TEXT_BYTES_MAX], system_name[TEXT_BYTES_MAX], file[TEXT_BYTES_MAX];
	struct answer_call call;
	int err = 0;

	if (!worker__read(worker, &call, sizeof(call)))
		return -EPIPE;
	if (call.name_len > TEXT_BYTES_MAX || call.system_name_len > TEXT_BYTES_MAX ||
		call.file_len > TEXT_BYTES_MAX)
		return -EBADMSG;
	if (!worker__read(worker, name, call.name_len) ||
		!worker__read(worker, system_name, call.system_name_len) ||
		!worker__read(worker, file, call.file_len))
		return -EPIPE;
	*line = (struct symbol_line){.line = call.line, .start_line = call.start_line};
	if (call.system_name_len)
		err = symbol_batch__fill_names(batch, line, system_name, call.system_name_len);
	else if (call.name_len)
		err = symbol_batch__fill_names(batch, line, name, call.name_len);
	return err ? err : intern(batch, file, call.file_len, &line->file);
}

/* The symbol table's name of the function itself stays, where there is one: of a function with
 * several names DWARF knows the one in the source (__libc_malloc), and none of the parts that it
 * was split into (main.cold). */
static int use_answer(struct symbol_batch *batch, struct symbol_location *location,
	struct symbol_line *lines, uint32_t cnt)
{
	struct symbol_line *last = &lines[cnt - 1];

	if (location->line_cnt == 1) {
		last->function = location->lines->function;
		last->system_name = location->lines->system_name;
	}
	for (uint32_t i = 0; i < cnt; i++) {
		if (lines[i].function)
			continue;
		/* Known by its line only. */
		if (cnt == 1)
			return 0;
		lines[i].function = symbol_memory__intern(batch->symbols->memory, "??", 2);
		if (!lines[i].function)
			return -ENOMEM;
		lines[i].system_name = lines[i].function;
	}
	return symbol_batch__set_lines(batch, location, lines, cnt);
}

static int read_answers(struct symbol_batch *batch, struct worker *worker)
{
	struct symbol_line lines[DWARF_CALLS_MAX];
	struct answer answer;
	int err;

	while (worker__read(worker, &answer, sizeof(answer))) {
		if (answer.index >= batch->cnt || answer.cnt == 0 || answer.cnt > DWARF_CALLS_MAX)
			return -EBADMSG;
		for (uint32_t i = 0; i < answer.cnt; i++) {
			err = read_call(batch, worker, &lines[i]);
			if (err)
				return err;
		}
		if (batch->locations[answer.index].line_cnt > 1)
			continue; /* answered twice */
		err = use_answer(batch, &batch->locations[answer.index], lines, answer.cnt);
		if (err)
			return err;
	}
	return 0;
}

static int ask(struct symbol_batch *batch, int fd)
{
	struct question question = {.fd = fd, .cnt = batch->cnt};
	struct worker *worker = NULL;
	struct stat st;
	uint64_t *addresses;
	int err = -ENOMEM;

	if (fstat(fd, &st) != 0 || (uint64_t)st.st_size > batch->options->dwarf_bytes_max)
		return 0;
	addresses = calloc(batch->cnt, sizeof(*addresses));
	worker = malloc(sizeof(*worker));
	if (!addresses || !worker)
		goto out;
	for (size_t i = 0; i < batch->cnt; i++)
		addresses[i] = batch->locations[i].address;
	question.addresses = addresses;
	err = worker__start(
		worker, run_child, &question, WORKER_MEMORY_BYTES, batch->options->dwarf_ms_max);
	if (err)
		goto out;
	err = read_answers(batch, worker);
	if (!worker__stop(worker) && err == 0)
		err = -EBADMSG;
out:
	free(worker);
	free(addresses);
	return err;
}

static bool has_dwarf(const struct elf_view *view)
{
	const struct elf_section *section = elf_view__find(view, ".debug_info");

	if (!section)
		section = elf_view__find(view, ".zdebug_info");
	return section && section->size > 0 && section->type != SHT_NOBITS;
}

static bool has_lines(const struct symbol_batch *batch)
{
	for (size_t i = 0; i < batch->cnt; i++)
		if (batch->locations[i].line_cnt == 0 || batch->locations[i].lines->line == 0)
			return false;
	return true;
}

static int resolve(struct symbol_batch *batch)
{
	struct elf_view view;
	int fd, err;

	if (batch->options->dwarf_bytes_max == SIZE_MAX || batch->fd < 0 || has_lines(batch))
		return 0;
	err = symbol_batch__open(batch, &view);
	if (err)
		return err;
	if (has_dwarf(&view)) {
		elf_view__close(&view);
		return ask(batch, batch->fd);
	}
	fd = symbol_batch__debug_fd(batch, &view);
	elf_view__close(&view);
	if (fd < 0)
		return 0;
	err = elf_view__open(&view, fd);
	if (err == 0 && has_dwarf(&view))
		err = ask(batch, fd);
	elf_view__close(&view);
	return err;
}

const struct symbol_source symbol_source_dwarf = {
	.name = "dwarf",
	.kind = SYMBOL_BATCH_FILE,
	.resolve = resolve,
};
