// SPDX-License-Identifier: GPL-2.0
/* Common information entries: what the FDEs of a compilation unit share. */
#include <dwarf.h>
#include <errno.h>
#include <string.h>

#include "unwind/cie.h"

#define CIE_ROOM      1024 /* limits.cie_bytes is at most this */
#define ADDRESS_BYTES 8

struct cie_bytes {
	uint8_t buf[CIE_ROOM];
	size_t len;
	uint64_t address;
};

static int refuse(struct frame_reader *reader, int err, const char *reason)
{
	reader->reason = reason;
	return err;
}

/* Copies the record from its id on. frame_reader__head is not used: it would move the window. */
static int copy_record(
	struct frame_reader *reader, uint64_t offset, struct cie_bytes *record, bool *ret_is_64bit)
{
	uint64_t limit = reader->limits.cie_bytes < CIE_ROOM ? reader->limits.cie_bytes : CIE_ROOM;
	uint64_t length, left = offset < reader->section.bytes ? reader->section.bytes - offset : 0;
	size_t head_bytes = left < 12 ? left : 12;
	uint8_t head[12];
	struct cursor c;

	if (frame_section__copy(&reader->section, offset, head, head_bytes))
		return refuse(reader, -EINVAL, "a CIE pointer leads out of the section");
	c = cursor__new(head, head_bytes);
	length = cursor__uint(&c, 4);
	*ret_is_64bit = length == UINT32_MAX;
	if (*ret_is_64bit)
		length = cursor__uint(&c, 8);
	offset += c.pos - head;
	if (c.overrun || !length || length > reader->section.bytes - offset)
		return refuse(reader, -EINVAL, "a CIE pointer does not lead to a CIE");
	if (length > limit)
		return refuse(reader, -E2BIG, "a CIE too big");
	if (frame_section__copy(&reader->section, offset, record->buf, length))
		return refuse(reader, -EINVAL, "call frame section cannot be read");
	record->len = length;
	record->address = reader->section.place.address + offset;
	return 0;
}

/* See read_id() in frame_entry.c: only a version byte of 0 where 4 bytes of id end says that it has
 * 8. */
static int read_id(struct frame_reader *reader, struct cursor *c, bool is_64bit, struct cie *cie)
{
	bool is_debug_frame = reader->section.is_debug_frame;
	uint64_t id;

	cie->id_bytes = is_debug_frame && is_64bit ? 8 : 4;
	id = cursor__uint(c, cie->id_bytes);
	if (is_debug_frame ? id != (is_64bit ? DW_CIE_ID_64 : DW_CIE_ID_32) : id != 0)
		return refuse(reader, -EINVAL, "a CIE pointer does not lead to a CIE");
	if (!is_debug_frame && is_64bit && cursor__left(c) > 4 && !*c->pos) {
		cie->id_bytes = 8;
		cursor__skip(c, 4);
	}
	return 0;
}

static int read_augmentation(struct frame_reader *reader, struct cursor *c,
	const struct pointer_bases *bases, const char *letters, struct cie *cie)
{
	uint64_t len = cursor__uleb128(c);
	const uint8_t *data = cursor__skip(c, len);
	struct cursor d;

	if (!data)
		return refuse(reader, -EINVAL, "a CIE's augmentation reaches beyond its record");
	d = cursor__new(data, len);
	for (; *letters; letters++) {
		switch (*letters) {
		case 'L': /* how FDEs point to their exception tables */
			cursor__u8(&d);
			break;
		case 'R':
			cie->pointer_encoding = cursor__u8(&d);
			break;
		case 'P':
			if (pointer__skip(&d, cursor__u8(&d), bases))
				return refuse(
					reader, -EINVAL, "a CIE with an unknown pointer encoding");
			break;
		case 'S':
			cie->is_signal_frame = true;
			break;
		case 'B': /* arm64: signed return addresses, memory tags */
		case 'G':
			break;
		default: /* 'z' gave the length: what an unknown letter has can be left out */
			return 0;
		}
	}
	return d.overrun ? refuse(reader, -EINVAL, "a CIE's augmentation is cut off") : 0;
}

static int read_fields(
	struct frame_reader *reader, struct cursor *c, uint64_t address, struct cie *cie)
{
	struct pointer_bases bases = {.bytes_address = address, .origin = c->pos - cie->id_bytes};
	uint8_t version = cursor__u8(c);
	const char *letters = cursor__string(c);

	if (version != 1 && version != 3 && version != 4)
		return refuse(reader, -EINVAL, "a CIE of an unknown version");
	if (!letters)
		return refuse(reader, -EINVAL, "a CIE's augmentation is cut off");
	if (version == 4 && (cursor__u8(c) != ADDRESS_BYTES || cursor__u8(c) != 0))
		return refuse(reader, -EINVAL, "a CIE with segments or short addresses");
	cie->code_align = cursor__uleb128(c);
	cie->data_align = cursor__sleb128(c);
	cie->pc_reg = version == 1 ? cursor__u8(c) : cursor__uleb128(c);
	cie->pointer_encoding = DW_EH_PE_absptr;
	if (c->overrun)
		return refuse(reader, -EINVAL, "a CIE is cut off");
	cie->has_augmentation_data = *letters == 'z';
	if (cie->has_augmentation_data)
		return read_augmentation(reader, c, &bases, letters + 1, cie);
	return *letters ? refuse(reader, -EINVAL, "a CIE with an unknown augmentation") : 0;
}

/* What holds at the start of each FDE. A DW_CFA_restore here goes back to no rule at all. */
static int run_instructions(struct frame_reader *reader, struct cursor *c, struct cie *cie)
{
	static const struct cfi_state none;
	struct cfi_state stack[2];
	struct cfi_program program = {
		.code_align = cie->code_align,
		.data_align = cie->data_align,
		.pc_reg = cie->pc_reg,
		.initial = &none,
		.stack = stack,
		.stack_max = sizeof(stack) / sizeof(stack[0]),
	};

	return cfi_program__run(&program, c->pos, cursor__left(c), &cie->initial, &reader->reason);
}

int frame_reader__cie(struct frame_reader *reader, uint64_t offset, struct cie *cie)
{
	struct cie_bytes record;
	struct cursor c;
	bool is_64bit;
	int err;

	*cie = (struct cie){.offset = offset};
	err = copy_record(reader, offset, &record, &is_64bit);
	if (err)
		return err;
	c = cursor__new(record.buf, record.len);
	err = read_id(reader, &c, is_64bit, cie);
	if (!err)
		err = read_fields(reader, &c, record.address, cie);
	if (!err)
		err = run_instructions(reader, &c, cie);
	return err;
}
