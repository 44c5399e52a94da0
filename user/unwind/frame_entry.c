// SPDX-License-Identifier: GPL-2.0
/* The heads of call frame records, and FDEs. */
#include <dwarf.h>
#include <errno.h>

#include "unwind/cie.h"
#include "unwind/frame_entry.h"

#define HEAD_BYTES      20 /* length of 4 or 12 bytes, id of 4 or 8 */
#define FDE_START_BYTES 64 /* id and two encoded pointers */

static int refuse(struct frame_reader *reader, int err, const char *reason)
{
	reader->reason = reason;
	return err;
}

/* The id field of .eh_frame is 4 bytes even in the 64-bit format (LSB), binutils reads 8. Both have
 * the same low half, and the CIE tells which it is. .debug_frame follows DWARF: as wide as the
 * length. */
static void read_id(const struct frame_reader *reader, struct cursor *c, struct frame_entry *entry)
{
	bool is_debug_frame = reader->section.is_debug_frame;
	uint64_t id, cie_id;

	entry->id_bytes = is_debug_frame && entry->is_64bit ? 8 : 4;
	id = cursor__uint(c, entry->id_bytes);
	if (is_debug_frame)
		cie_id = entry->is_64bit ? DW_CIE_ID_64 : DW_CIE_ID_32;
	else
		cie_id = 0;
	entry->kind = id == cie_id ? FRAME_ENTRY_CIE : FRAME_ENTRY_FDE;
	entry->cie_offset = is_debug_frame ? id : entry->id_offset - id;
}

int frame_reader__head(struct frame_reader *reader, uint64_t offset, struct frame_entry *ret_entry)
{
	uint64_t left = reader->section.bytes - offset, length;
	size_t len = left < HEAD_BYTES ? left : HEAD_BYTES;
	struct frame_entry entry = {.offset = offset};
	const uint8_t *bytes;
	struct cursor c;
	int err;

	err = frame_section__view(&reader->section, offset, len, &bytes);
	if (err)
		return refuse(reader, err, "call frame section cannot be read");
	c = cursor__new(bytes, len);
	length = cursor__uint(&c, 4);
	entry.is_64bit = length == UINT32_MAX;
	if (entry.is_64bit)
		length = cursor__uint(&c, 8);
	entry.id_offset = offset + (c.pos - bytes);
	if (c.overrun || length > reader->section.bytes - entry.id_offset)
		return refuse(reader, -EINVAL, "a record reaches beyond its section");
	entry.end = entry.id_offset + length;
	if (length) {
		read_id(reader, &c, &entry);
		if (c.overrun || length < entry.id_bytes)
			return refuse(reader, -EINVAL, "a record too short for its id");
	}
	*ret_entry = entry;
	return 0;
}

static int find_cie(
	struct frame_reader *reader, const struct frame_entry *fde, const struct cie **ret_cie)
{
	struct cie *cie =
		&reader->cies[(fde->cie_offset * 0x9e3779b97f4a7c15ull >> 32) % CIE_CACHE_CNT];
	int err;

	if (!cie->is_valid || cie->offset != fde->cie_offset) {
		cie->is_valid = false;
		err = frame_reader__cie(reader, fde->cie_offset, cie);
		if (err)
			return err;
		cie->is_valid = true;
	}
	*ret_cie = cie;
	return 0;
}

/* Reads addresses and augmentation; the cursor then stands at the instructions. */
static int parse_fde(struct frame_reader *reader, const struct frame_entry *entry, struct cursor *c,
	struct fde *fde)
{
	struct pointer_bases bases = reader->bases;
	uint64_t bytes;
	int err;

	err = find_cie(reader, entry, &fde->cie);
	if (err)
		return err;
	bases.origin = c->pos;
	bases.bytes_address = reader->section.place.address + entry->id_offset;
	cursor__skip(c, fde->cie->id_bytes);
	err = pointer__read(c, fde->cie->pointer_encoding, &bases, &fde->begin);
	if (!err) /* of the encoding only the format holds for the size */
		err = pointer__read(c, fde->cie->pointer_encoding & 0x0f, &bases, &bytes);
	if (err)
		return refuse(reader, err, "an FDE with an unknown pointer encoding");
	fde->bases = bases;
	fde->end = bytes > UINT64_MAX - fde->begin ? UINT64_MAX : fde->begin + bytes;
	return 0;
}

static int read_record(struct frame_reader *reader, const struct frame_entry *entry, uint64_t len,
	struct cursor *c)
{
	const uint8_t *bytes;
	int err;

	err = frame_section__view(&reader->section, entry->id_offset, len, &bytes);
	if (err)
		return refuse(reader, err, "call frame section cannot be read");
	*c = cursor__new(bytes, len);
	return 0;
}

int frame_reader__fde_range(
	struct frame_reader *reader, const struct frame_entry *entry, struct fde *ret_fde)
{
	uint64_t len = entry->end - entry->id_offset;
	struct fde fde = {0};
	struct cursor c;
	int err;

	err = read_record(reader, entry, len < FDE_START_BYTES ? len : FDE_START_BYTES, &c);
	if (!err)
		err = parse_fde(reader, entry, &c, &fde);
	if (!err && c.overrun)
		err = refuse(reader, -EINVAL, "an FDE too short for its addresses");
	if (!err)
		*ret_fde = fde;
	return err;
}

int frame_reader__fde(
	struct frame_reader *reader, const struct frame_entry *entry, struct fde *ret_fde)
{
	uint64_t len = entry->end - entry->id_offset;
	struct fde fde = {0};
	struct cursor c;
	int err;

	if (len > reader->limits.record_bytes)
		return refuse(reader, -E2BIG, "an FDE too big");
	err = read_record(reader, entry, len, &c);
	if (!err)
		err = parse_fde(reader, entry, &c, &fde);
	if (err)
		return err;
	if (fde.cie->has_augmentation_data)
		cursor__skip(&c, cursor__uleb128(&c));
	if (c.overrun)
		return refuse(reader, -EINVAL, "an FDE too short for its augmentation");
	fde.instructions = c;
	*ret_fde = fde;
	return 0;
}
