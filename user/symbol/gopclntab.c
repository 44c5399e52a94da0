// SPDX-License-Identifier: GPL-2.0
/* Names, lines and inlined calls of Go programs, stripped or not, from .gopclntab. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "process/file.h"
#include "symbol/elf_view.h"
#include "symbol/go_table.h"
#include "symbol/memory.h"
#include "symbol/source.h"

/* More calls than this inlined into each other are not made by a compiler. */
#define INLINES_MAX 64

static int set_line(
	struct symbol_batch *batch, const struct go_frame *frame, struct symbol_line *line)
{
	struct symbol_memory *memory = batch->symbols->memory;

	*line = (struct symbol_line){.line = frame->line, .start_line = frame->start_line};
	line->function = symbol_memory__intern(memory, frame->name, strlen(frame->name));
	line->system_name = line->function;
	if (frame->file[0])
		line->file = symbol_memory__intern(memory, frame->file, strlen(frame->file));
	return line->function && (line->file || !frame->file[0]) ? 0 : -ENOMEM;
}

static int resolve_location(struct symbol_batch *batch, struct symbol_location *location,
	struct go_table *table, struct go_frame *frame)
{
	struct symbol_line lines[INLINES_MAX];
	struct go_function function;
	uint64_t pc = location->address;
	bool last = false;
	uint32_t cnt = 0;

	if (!go_table__find(table, location->address, &function))
		return 0;
	while (!last && cnt < INLINES_MAX && go_table__frame(table, &function, &pc, frame, &last)) {
		int err = set_line(batch, frame, &lines[cnt++]);

		if (err)
			return err;
	}
	/* A chain that does not reach its function is no answer. */
	return last ? symbol_batch__set_lines(batch, location, lines, cnt) : 0;
}

static int resolve(struct symbol_batch *batch)
{
	struct go_frame *frame = NULL;
	struct go_table table;
	struct elf_view view;
	int err;

	err = symbol_batch__open(batch, &view);
	if (err)
		return err;
	err = go_table__open(&table, &view, batch->options->file_bytes_max);
	if (err) {
		elf_view__close(&view);
		return err == -ENOENT ? 0 : err;
	}
	err = -ENOMEM;
	frame = malloc(sizeof(*frame));
	if (!frame)
		goto out;
	err = 0;
	for (size_t i = 0; err == 0 && i < batch->cnt; i++)
		if (batch->locations[i].line_cnt == 0)
			err = resolve_location(batch, &batch->locations[i], &table, frame);
out:
	free(frame);
	go_table__close(&table);
	elf_view__close(&view);
	return err;
}

const struct symbol_source symbol_source_gopclntab = {
	.name = "gopclntab",
	.kind = SYMBOL_BATCH_FILE,
	.resolve = resolve,
};
