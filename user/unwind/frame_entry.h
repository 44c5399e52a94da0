/* SPDX-License-Identifier: GPL-2.0 */
/* The records of a call frame section: CIEs and FDEs (DWARF 5, 6.4.1; LSB Core, 10.6.1). */
#ifndef UNWIND_FRAME_ENTRY_H
#define UNWIND_FRAME_ENTRY_H

#include "unwind/cfa_program.h"
#include "unwind/frame_section.h"
#include "unwind/pointer.h"

#define CIE_CACHE_CNT 64

enum frame_entry_kind {
	FRAME_ENTRY_TERMINATOR, /* a length of 0: crtend.o's, not always at the end */
	FRAME_ENTRY_CIE,
	FRAME_ENTRY_FDE,
};

/* A record's head. */
struct frame_entry {
	enum frame_entry_kind kind;
	uint64_t offset;     /* of the record in its section */
	uint64_t end;        /* where the next one starts */
	uint64_t id_offset;  /* of the field after the length */
	uint64_t cie_offset; /* FDE only */
	uint8_t id_bytes;
	bool is_64bit;
};

struct cie {
	uint64_t offset;
	bool is_valid;
	bool has_augmentation_data;
	bool is_signal_frame;
	uint8_t id_bytes; /* of it and its FDEs: 4 or 8 */
	uint8_t pointer_encoding;
	uint64_t code_align;
	int64_t data_align;
	uint64_t pc_reg;
	struct cfi_state initial;
};

/* An FDE without its instructions. */
struct fde {
	const struct cie *cie; /* valid until the next record is read */
	uint64_t begin;
	uint64_t end;
	struct pointer_bases bases; /* for DW_CFA_set_loc */
	struct cursor instructions; /* empty where only the addresses were asked for */
};

struct frame_reader_limits {
	uint64_t record_bytes;
	uint64_t cie_bytes;
};

/* Reads records of one section. */
struct frame_reader {
	struct frame_section section;
	struct frame_reader_limits limits;
	struct pointer_bases bases;
	struct cie cies[CIE_CACHE_CNT]; /* by offset; the linker gives a file few */
	const char *reason;             /* of the last failure */
};

/* All return 0, or -errno with reader->reason. */
int frame_reader__head(struct frame_reader *reader, uint64_t offset, struct frame_entry *ret_entry);
int frame_reader__fde(
	struct frame_reader *reader, const struct frame_entry *entry, struct fde *ret_fde);
/* The addresses only: looks at the record's first bytes. */
int frame_reader__fde_range(
	struct frame_reader *reader, const struct frame_entry *entry, struct fde *ret_fde);

#endif
