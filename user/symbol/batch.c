// SPDX-License-Identifier: GPL-2.0
/* One batch through the cache and the table of sources. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "process/clock.h"
#include "process/file.h"
#include "symbol/cache.h"
#include "symbol/debug_file.h"
#include "symbol/debuginfod.h"
#include "symbol/mapping.h"
#include "symbol/source.h"

/* In the order that they are asked. */
static const struct symbol_source *const sources[] = {
	&symbol_source_kallsyms,
	&symbol_source_perf_map,
	&symbol_source_gopclntab,
	&symbol_source_elf,
	&symbol_source_dwarf,
	&symbol_source_eh_frame_hdr,
};

/* 0 or the -errno of the first source that could not read the batch, after all were asked. */
static int ask_sources(struct symbol_batch *batch)
{
	int first_err = 0;

	for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++) {
		int err;

		if (sources[i]->kind != batch->kind)
			continue;
		err = sources[i]->resolve(batch);
		if (err == -ENOMEM)
			return err;
		first_err = first_err ? first_err : err;
	}
	return first_err;
}

int symbol_batch__debug_fd(struct symbol_batch *batch, const struct elf_view *view)
{
	char build_id[2 * BUILD_ID_BYTES_MAX + 1];

	if (batch->debug_sought)
		return batch->debug_fd;
	batch->debug_sought = true;
	batch->debug_fd = debug_file__open(view, batch->file->path, batch->options->debug_dir);
	if (batch->debug_fd < 0 && batch->options->debuginfod) {
		file__build_id_hex(batch->file, build_id);
		batch->debug_fd = debuginfod__open(batch->options->debuginfod, view, build_id);
	}
	if (batch->debug_fd < 0)
		batch->debug_fd = -1;
	return batch->debug_fd;
}

static int open_and_ask(struct symbol_batch *batch, const struct files *files)
{
	int err = 0;

	if (batch->kind == SYMBOL_BATCH_FILE) {
		if (!batch->file)
			err = -ENOENT;
		else if (batch->file->kind == FILE_ELF)
			err = batch->fd = files__fd(files, batch->file->id);
	}
	if (err >= 0 && (!batch->file || batch->file->kind != FILE_OTHER))
		err = batch->kind == SYMBOL_BATCH_KERNEL && batch->options->without_kernel
			      ? 0
			      : ask_sources(batch);
	if (batch->debug_sought && batch->debug_fd >= 0)
		close(batch->debug_fd);
	return err < 0 ? err : 0;
}

/* Modules and BPF programs come and go at addresses that others had before; the kernel itself stays. */
static bool may_keep(const struct symbol_batch *batch, const struct symbol_location *location)
{
	return batch->kind == SYMBOL_BATCH_FILE ||
	       (location->mapping != UINT32_MAX && location->line_cnt &&
		       strcmp(batch->symbols->mappings[location->mapping].path,
			       "[kernel.kallsyms]") == 0);
}

/* What will be so the next time as well. */
static bool is_lasting(int err)
{
	return err != -ENOMEM && err != -EMFILE && err != -ENFILE && err != -EAGAIN;
}

static void keep(const struct symbol_batch *batch, uint64_t ns, int err)
{
	struct symbol_cache *cache = batch->options->cache;

	if (!is_lasting(err))
		return;
	for (size_t i = 0; i < batch->cnt; i++) {
		const struct symbol_location *location = &batch->locations[i];

		if (!may_keep(batch, location))
			continue;
		if (batch->kind == SYMBOL_BATCH_KERNEL)
			symbol_cache__set_kernel(
				cache, &batch->symbols->mappings[location->mapping]);
		symbol_cache__put(cache, location, ns, err != 0);
	}
}

/* Locations of the kernel that came from the cache: all lie in the one mapping that it has. */
static int map_kernel(struct symbol_batch *batch, const bool *is_known)
{
	const struct symbol_mapping *kernel = symbol_cache__kernel(batch->options->cache);
	uint32_t index = UINT32_MAX;

	for (uint32_t i = 0; kernel && i < batch->symbols->mapping_cnt; i++)
		if (batch->symbols->mappings[i].start == kernel->start &&
			strcmp(batch->symbols->mappings[i].path, kernel->path) == 0)
			index = i;
	for (size_t i = 0; kernel && i < batch->cnt; i++) {
		int err = 0;

		if (!is_known[i])
			continue;
		if (index == UINT32_MAX)
			err = symbols__add_mapping(batch->symbols, kernel, &index);
		if (err)
			return err;
		batch->locations[i].mapping = index;
	}
	return 0;
}

/* Moves what the cache does not know to unknown, in the same order. */
static void look_up(struct symbol_batch *batch, uint64_t ns, bool *is_known,
	struct symbol_batch *unknown, bool *ret_failed)
{
	for (size_t i = 0; i < batch->cnt; i++) {
		bool failed = false;

		is_known[i] = symbol_cache__get(batch->options->cache, &batch->locations[i],
			batch->symbols->memory, ns, &failed);
		*ret_failed |= failed;
		if (!is_known[i])
			unknown->locations[unknown->cnt++] = batch->locations[i];
	}
}

static int resolve_unknown(struct symbol_batch *batch, const struct files *files, bool *ret_failed)
{
	struct symbol_batch unknown = *batch;
	bool *is_known = calloc(batch->cnt, sizeof(*is_known));
	uint64_t ns = clock__ns(CLOCK_MONOTONIC);
	int err = -ENOMEM;

	unknown.locations = calloc(batch->cnt, sizeof(*unknown.locations));
	unknown.cnt = 0;
	if (!is_known || !unknown.locations)
		goto out;
	look_up(batch, ns, is_known, &unknown, ret_failed);
	err = unknown.cnt ? open_and_ask(&unknown, files) : 0;
	if (err == -ENOMEM)
		goto out;
	keep(&unknown, ns, err);
	*ret_failed |= err != 0;
	for (size_t i = 0, next = 0; i < batch->cnt; i++)
		if (!is_known[i])
			batch->locations[i] = unknown.locations[next++];
	err = batch->kind == SYMBOL_BATCH_KERNEL ? map_kernel(batch, is_known) : 0;
out:
	free(unknown.locations);
	free(is_known);
	return err;
}

int symbol_batch__resolve(
	struct symbol_batch *batch, const struct files *files, unsigned int *failed_cnt)
{
	bool failed = false;
	int err;

	/* Code of JIT compilers moves, and perf maps grow. */
	if (batch->kind == SYMBOL_BATCH_RAW || !batch->options->cache) {
		err = open_and_ask(batch, files);
		failed = err != 0;
		err = err == -ENOMEM ? err : 0;
	} else {
		err = resolve_unknown(batch, files, &failed);
	}
	*failed_cnt += failed && batch->kind == SYMBOL_BATCH_FILE;
	return err;
}
