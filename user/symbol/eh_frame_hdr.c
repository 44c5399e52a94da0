// SPDX-License-Identifier: GPL-2.0
/* Where functions without a name begin: stripped files still have .eh_frame_hdr, a sorted table of them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "symbol/elf_view.h"
#include "symbol/source.h"

/* The only encoding that linkers write: DW_EH_PE_datarel | DW_EH_PE_sdata4 pairs behind a udata4 count. See the LSB, "The
 * .eh_frame_hdr section". */
#define HEADER_BYTES     12
#define ENCODING_POINTER 0x1b /* pcrel | sdata4 */
#define ENCODING_COUNT   0x03 /* udata4 */
#define ENCODING_TABLE   0x3b /* datarel | sdata4 */

struct table_entry {
	int32_t function;
	int32_t fde;
};

static bool header__is_usual(const unsigned char header[HEADER_BYTES])
{
	return header[0] == 1 && header[1] == ENCODING_POINTER && header[2] == ENCODING_COUNT &&
	       header[3] == ENCODING_TABLE;
}

/* Both the table and the locations ascend: one pass over the two. */
static void stream__set_starts(struct elf_stream *stream, uint64_t base, struct symbol_batch *batch)
{
	const struct table_entry *entry = elf_stream__next(stream);
	uint64_t start = 0;
	size_t i = 0;

	while (i < batch->cnt) {
		struct symbol_location *location = &batch->locations[i];
		const struct elf_section *code;

		if (entry && base + (int64_t)entry->function <= location->address) {
			start = base + (int64_t)entry->function;
			entry = elf_stream__next(stream);
			continue;
		}
		/* the table has no ends: at least the two are in one section */
		code = elf_view__code_at(stream->view, location->address);
		if (code && start >= code->address)
			location->function_start = start;
		i++;
	}
}

static bool has_unnamed(const struct symbol_batch *batch)
{
	size_t i;

	for (i = 0; i < batch->cnt; i++)
		if (!batch->locations[i].line_cnt)
			return true;
	return false;
}

static int resolve(struct symbol_batch *batch)
{
	unsigned char header[HEADER_BYTES];
	const struct elf_section *section;
	struct elf_stream *stream;
	struct elf_section table;
	struct elf_view view;
	int err;

	if (!has_unnamed(batch))
		return 0;
	err = symbol_batch__open(batch, &view);
	if (err)
		return err;
	section = elf_view__find(&view, ".eh_frame_hdr");
	if (!section || section->size <= HEADER_BYTES || !section->address ||
		elf_view__read(&view, header, HEADER_BYTES, section->offset) != HEADER_BYTES ||
		!header__is_usual(header))
		goto out;
	table = *section;
	table.offset += HEADER_BYTES;
	table.size -= HEADER_BYTES;
	stream = elf_stream__new(&view, &table, sizeof(struct table_entry), table.size);
	if (!stream) {
		err = -ENOMEM;
		goto out;
	}
	stream__set_starts(stream, section->address, batch);
	free(stream);
out:
	elf_view__close(&view);
	return err;
}

const struct symbol_source symbol_source_eh_frame_hdr = {
	.name = "eh_frame_hdr",
	.kind = SYMBOL_BATCH_FILE,
	.resolve = resolve,
};
