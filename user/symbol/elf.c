// SPDX-License-Identifier: GPL-2.0
/* Names from a file's symbol tables, its separate and packed ones among them, and from its PLT. */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>

#include "process/file.h"
#include "symbol/debug_file.h"
#include "symbol/elf_search.h"
#include "symbol/elf_view.h"
#include "symbol/plt.h"
#include "symbol/source.h"

/* The files that may hold symbols of one file. */
struct views {
	struct elf_view own;
	struct elf_view separate;
	struct elf_view packed;
	void *packed_data;
};

int symbol_batch__open(const struct symbol_batch *batch, struct elf_view *view)
{
	if (batch->fd >= 0)
		return elf_view__open(view, batch->fd);
	if (batch->file->image)
		return elf_view__open_image(view, batch->file->image, batch->file->image_bytes);
	return -ENOENT;
}

static bool has_table(const struct elf_view *view)
{
	for (size_t i = 1; i < view->section_cnt; i++)
		if (view->sections[i].type == SHT_SYMTAB)
			return true;
	return false;
}

static int add_separate(struct views *views, struct symbol_batch *batch, struct elf_search *search)
{
	int fd = symbol_batch__debug_fd(batch, &views->own), err;

	if (fd < 0)
		return 0;
	err = elf_view__open(&views->separate, fd);
	return err ? err : elf_search__add(search, &views->separate);
}

static int add_packed(
	struct views *views, const struct symbol_batch *batch, struct elf_search *search)
{
	size_t bytes;
	int err;

	err = debug_data__unpack(
		&views->own, batch->options->file_bytes_max, &views->packed_data, &bytes);
	if (err)
		return err == -ENOENT ? 0 : err;
	err = elf_view__open_image(&views->packed, views->packed_data, bytes);
	return err ? err : elf_search__add(search, &views->packed);
}

/* All tables compete. What a broken one did give is used all the same. */
static int add_tables(struct views *views, struct symbol_batch *batch, struct elf_search *search)
{
	int err = elf_search__add(search, &views->own), next;

	if (err == -ENOMEM || has_table(&views->own))
		return err;
	next = add_separate(views, batch, search);
	err = err ? err : next;
	if (err == -ENOMEM || batch->debug_fd >= 0)
		return err;
	next = add_packed(views, batch, search);
	return err ? err : next;
}

static bool is_named(const struct symbol_batch *batch)
{
	for (size_t i = 0; i < batch->cnt; i++)
		if (batch->locations[i].line_cnt == 0)
			return false;
	return true;
}

static int resolve(struct symbol_batch *batch)
{
	struct views views = {0};
	struct elf_search *search;
	int err, table_err;

	if (is_named(batch))
		return 0;
	err = symbol_batch__open(batch, &views.own);
	if (err)
		return err;
	err = -ENOMEM;
	search = elf_search__new(batch);
	if (!search)
		goto out;
	table_err = add_tables(&views, batch, search);
	err = table_err == -ENOMEM ? table_err : elf_search__set_names(search);
	err = err ? err : plt__set_names(batch, &views.own);
	err = err ? err : table_err;
out:
	elf_search__free(search);
	elf_view__close(&views.packed);
	elf_view__close(&views.separate);
	elf_view__close(&views.own);
	free(views.packed_data);
	return err;
}

const struct symbol_source symbol_source_elf = {
	.name = "elf",
	.kind = SYMBOL_BATCH_FILE,
	.resolve = resolve,
};
