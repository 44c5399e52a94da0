/* SPDX-License-Identifier: GPL-2.0 */
/* What a DWARF expression of a CFI rule computes, as far as a table row can hold it. */
#ifndef UNWIND_EXPRESSION_H
#define UNWIND_EXPRESSION_H

#include <stddef.h>
#include <stdint.h>

/* No register: the canonical frame address, which the expression of a saved register starts
 * with. */
#define CFI_REG_CFA 0xff

enum cfi_value_kind {
	CFI_VALUE_UNKNOWN = 0, /* an expression beyond the forms below */
	CFI_VALUE_CONST,       /* offset */
	CFI_VALUE_INDEX,       /* 8 * reg */
	CFI_VALUE_LINEAR,      /* reg + offset, and 8 * another register if has_index */
	CFI_VALUE_DEREF,       /* *(the same) + extra */
	CFI_VALUE_PLT,         /* sp + 8 + ((pc & 15) >= offset ? 8 : 0) */
};

struct cfi_value {
	uint8_t kind; /* enum cfi_value_kind */
	uint8_t reg;  /* DWARF number or CFI_REG_CFA */
	uint8_t has_index;
	uint8_t index; /* DWARF number */
	int64_t offset;
	int64_t extra;
};

/* Evaluates expr symbolically. has_cfa: the CFA is on the stack at the start, as it is for a saved
 * register (DWARF 5, 6.4.2.3), not for the CFA itself. CFI_VALUE_UNKNOWN when no other form
 * fits. */
struct cfi_value expression__classify(const uint8_t *expr, size_t len, int has_cfa);

/* Per machine: the PLT's expression for the CFA, whose stub pushes a word half-way. 0, or
 * -ENOENT. */
int expression__classify_plt(const uint8_t *expr, size_t len, struct cfi_value *ret_value);

#endif
