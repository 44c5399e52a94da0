/* SPDX-License-Identifier: GPL-2.0 */
/* The interpreter of call frame instructions: an FDE's byte code to rows of register rules. */
#ifndef UNWIND_CFA_PROGRAM_H
#define UNWIND_CFA_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unwind/expression.h"

enum cfi_saved {
	CFI_SAVED_UNSPECIFIED = 0, /* no instruction named the register */
	CFI_SAVED_UNDEFINED,       /* cannot be recovered */
	CFI_SAVED_SAME,            /* not changed by this frame */
	CFI_SAVED_AT,              /* in memory at where */
	CFI_SAVED_VALUE,           /* where itself is the value */
};

/* How to recover one register of the caller. */
struct cfi_register {
	uint8_t saved; /* enum cfi_saved */
	struct cfi_value where;
};

/* A row: of all registers only those that a walk along return addresses needs. The caller's stack
 * pointer is the CFA unless sp says otherwise, as in setcontext and longjmp. An expression is
 * classified where it is met, so that a row holds no pointer into the file. */
struct cfi_state {
	uint64_t cfa_reg;
	int64_t cfa_offset;
	struct cfi_value cfa_expression; /* instead of the two above where has_expression */
	bool has_expression;
	struct cfi_register rbx;
	struct cfi_register fp;
	struct cfi_register sp;
	struct cfi_register pc;
};

struct cfi_program_ops {
	/* The rules that hold from address on. 0, or -errno that ends the program. */
	int (*row)(void *ctx, uint64_t address, const struct cfi_state *state);
	/* Decodes an address, for DW_CFA_set_loc: the next bytes of the program's cursor. 0 or
	 * -errno. */
	int (*address)(void *ctx, const uint8_t **pos, const uint8_t *end, uint64_t *ret_address);
};

/* One run. The caller fills everything above `rows`. */
struct cfi_program {
	const struct cfi_program_ops
		*ops; /* NULL for the instructions of a CIE: they cannot advance */
	void *ctx;
	uint64_t code_align;
	int64_t data_align;
	uint64_t pc_reg;                 /* return address column */
	const struct cfi_state *initial; /* what DW_CFA_restore goes back to */
	struct cfi_state *stack;         /* room for DW_CFA_remember_state */
	unsigned int stack_max;
	uint64_t address; /* of the first row */
	uint64_t end;     /* rows at or above it are left out */
};

/* Runs len bytes from *state on and leaves the last row's rules there. The rows come in ascending
 * order of address, each address once. 0; -errno of ops; -EINVAL with a reason for byte code that
 * is not valid. */
int cfi_program__run(const struct cfi_program *program, const uint8_t *bytes, size_t len,
	struct cfi_state *state, const char **ret_reason);

#endif
