/* SPDX-License-Identifier: GPL-2.0 */
/* Encoded pointers of .eh_frame and .eh_frame_hdr (LSB Core, 10.5: DW_EH_PE_*). */
#ifndef UNWIND_POINTER_H
#define UNWIND_POINTER_H

#include <stdint.h>

#include "unwind/cursor.h"

/* What encoded pointers are relative to. A base that the file does not tell is 0, and then
 * refused. */
struct pointer_bases {
	uint64_t bytes_address; /* address of origin, for pcrel and aligned */
	const uint8_t *origin;  /* a byte of the cursor's buffer */
	uint64_t text;
	uint64_t data;
	uint64_t function;
};

/* Reads one pointer. 0; -EINVAL for an encoding that is unknown, indirect, or lacks its base. Bytes
 * that are missing show as c->overrun. DW_EH_PE_omit reads nothing and gives 0. */
int pointer__read(
	struct cursor *c, uint8_t encoding, const struct pointer_bases *bases, uint64_t *ret_value);

/* Steps over one pointer, indirect ones too. */
int pointer__skip(struct cursor *c, uint8_t encoding, const struct pointer_bases *bases);

#endif
