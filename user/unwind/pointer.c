// SPDX-License-Identifier: GPL-2.0
/* Encoded pointers of .eh_frame and .eh_frame_hdr (LSB Core, 10.5: DW_EH_PE_*). */
#include <dwarf.h>
#include <errno.h>

#include "unwind/pointer.h"

#define FORMAT_MASK      0x0f
#define APPLICATION_MASK 0x70
#define ADDRESS_BYTES    8

static uint64_t address_of(const struct cursor *c, const struct pointer_bases *bases)
{
	return bases->bytes_address + (uint64_t)(c->pos - bases->origin);
}

static int read_format(struct cursor *c, uint8_t format, uint64_t *ret_value)
{
	switch (format) {
	case DW_EH_PE_absptr:
	case DW_EH_PE_signed:
		*ret_value = cursor__uint(c, ADDRESS_BYTES);
		return 0;
	case DW_EH_PE_uleb128:
		*ret_value = cursor__uleb128(c);
		return 0;
	case DW_EH_PE_sleb128:
		*ret_value = cursor__sleb128(c);
		return 0;
	case DW_EH_PE_udata2:
	case DW_EH_PE_udata4:
	case DW_EH_PE_udata8:
		*ret_value = cursor__uint(c, 1u << (format - DW_EH_PE_udata2 + 1));
		return 0;
	case DW_EH_PE_sdata2:
	case DW_EH_PE_sdata4:
	case DW_EH_PE_sdata8:
		*ret_value = cursor__sint(c, 1u << (format - DW_EH_PE_sdata2 + 1));
		return 0;
	}
	return -EINVAL;
}

/* 0 is no address of code or data in a file of ours, so it means: not known. */
static int base_of(
	uint8_t application, uint64_t here, const struct pointer_bases *bases, uint64_t *ret_base)
{
	switch (application) {
	case DW_EH_PE_absptr:
	case DW_EH_PE_aligned:
		*ret_base = 0;
		return 0;
	case DW_EH_PE_pcrel:
		*ret_base = here;
		return 0;
	case DW_EH_PE_textrel:
		*ret_base = bases->text;
		break;
	case DW_EH_PE_datarel:
		*ret_base = bases->data;
		break;
	case DW_EH_PE_funcrel:
		*ret_base = bases->function;
		break;
	default:
		return -EINVAL;
	}
	return *ret_base ? 0 : -EINVAL;
}

int pointer__read(
	struct cursor *c, uint8_t encoding, const struct pointer_bases *bases, uint64_t *ret_value)
{
	uint64_t value, base, here = address_of(c, bases);
	int err;

	if (encoding == DW_EH_PE_omit) {
		*ret_value = 0;
		return 0;
	}
	if (encoding & DW_EH_PE_indirect)
		return -EINVAL;
	if ((encoding & APPLICATION_MASK) == DW_EH_PE_aligned)
		cursor__skip(c, -here & (ADDRESS_BYTES - 1));
	err = base_of(encoding & APPLICATION_MASK, here, bases, &base);
	if (!err)
		err = read_format(c, encoding & FORMAT_MASK, &value);
	if (!err)
		*ret_value = base + value;
	return err;
}

int pointer__skip(struct cursor *c, uint8_t encoding, const struct pointer_bases *bases)
{
	uint64_t value;

	if (encoding == DW_EH_PE_omit)
		return 0;
	if ((encoding & APPLICATION_MASK) == DW_EH_PE_aligned)
		cursor__skip(c, -address_of(c, bases) & (ADDRESS_BYTES - 1));
	return read_format(c, encoding & FORMAT_MASK, &value);
}
