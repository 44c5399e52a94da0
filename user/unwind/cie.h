/* SPDX-License-Identifier: GPL-2.0 */
/* Common information entries: what the FDEs of a compilation unit share. */
#ifndef UNWIND_CIE_H
#define UNWIND_CIE_H

#include "unwind/frame_entry.h"

/* Reads the CIE at offset and runs its instructions. Its bytes are copied, never the section's
 * window moved. 0, or -errno with reader->reason: -EINVAL also where the record at offset is no
 * CIE, as in a cycle. */
int frame_reader__cie(struct frame_reader *reader, uint64_t offset, struct cie *cie);

#endif
