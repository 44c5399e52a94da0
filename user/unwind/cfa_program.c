// SPDX-License-Identifier: GPL-2.0
/* The interpreter of call frame instructions (DWARF 5, 6.4.2, with the GNU and MIPS extensions). */
#include <dwarf.h>
#include <errno.h>

#include "unwind/cfa_program.h"
#include "unwind/cursor.h"
#include "unwind/registers_x86.h"

struct run {
	const struct cfi_program *program;
	struct cfi_state *state;
	struct cursor c;
	uint64_t address;
	unsigned int depth; /* of program->stack */
	bool is_done;       /* the rest lies beyond program->end */
	const char *reason;
};

static int refuse(struct run *run, const char *reason)
{
	run->reason = reason;
	return -EINVAL;
}

/* The state's slot of a register; NULL for one that we do not follow. */
static struct cfi_register *slot(const struct run *run, struct cfi_state *state, uint64_t reg)
{
	if (reg == run->program->pc_reg)
		return &state->pc;
	if (reg == CFI_REG_FP)
		return &state->fp;
	if (reg == CFI_REG_RBX)
		return &state->rbx;
	return reg == CFI_REG_SP ? &state->sp : NULL;
}

static void save(struct run *run, uint64_t reg, uint8_t saved, struct cfi_value where)
{
	struct cfi_register *target = slot(run, run->state, reg);

	if (target)
		*target = (struct cfi_register){.saved = saved, .where = where};
}

static struct cfi_value at_cfa(const struct run *run, uint64_t factored)
{
	uint64_t offset = factored * (uint64_t)run->program->data_align;

	return (struct cfi_value){.kind = CFI_VALUE_LINEAR, .reg = CFI_REG_CFA, .offset = offset};
}

static struct cfi_value in_register(uint64_t reg)
{
	struct cfi_value value = {.kind = CFI_VALUE_LINEAR, .reg = reg};

	return reg < CFI_REG_CNT ? value : (struct cfi_value){0};
}

static void restore(struct run *run, uint64_t reg)
{
	struct cfi_state initial = *run->program->initial;
	struct cfi_register *from = slot(run, &initial, reg);

	if (from)
		*slot(run, run->state, reg) = *from;
}

static struct cfi_value read_expression(struct run *run, int has_cfa)
{
	uint64_t len = cursor__uleb128(&run->c);
	const uint8_t *expr = cursor__skip(&run->c, len);

	return expr ? expression__classify(expr, len, has_cfa) : (struct cfi_value){0};
}

/* A row ends here: it goes out unless the next one starts at the same address and replaces it. */
static int move_to(struct run *run, uint64_t address)
{
	const struct cfi_program *program = run->program;
	int err;

	if (!program->ops)
		return refuse(run, "a CIE's instructions advance the location");
	if (address < run->address)
		return refuse(run, "location goes backwards");
	if (address == run->address)
		return 0;
	err = program->ops->row(program->ctx, run->address, run->state);
	run->address = address;
	if (address >= program->end)
		run->is_done = true;
	return err;
}

static int advance(struct run *run, uint64_t delta)
{
	uint64_t bytes;

	if (run->c.overrun)
		return 0;
	if (__builtin_mul_overflow(delta, run->program->code_align, &bytes) ||
		__builtin_add_overflow(run->address, bytes, &bytes))
		return refuse(run, "location advances beyond the address space");
	return move_to(run, bytes);
}

static int set_location(struct run *run)
{
	const struct cfi_program *program = run->program;
	uint64_t address;
	int err;

	if (!program->ops)
		return refuse(run, "a CIE's instructions advance the location");
	err = program->ops->address(program->ctx, &run->c.pos, run->c.end, &address);
	return err ? refuse(run, "DW_CFA_set_loc without a readable address")
		   : move_to(run, address);
}

static int remember(struct run *run)
{
	if (run->depth == run->program->stack_max)
		return refuse(run, "DW_CFA_remember_state is nested too deep");
	run->program->stack[run->depth++] = *run->state;
	return 0;
}

static int recall(struct run *run)
{
	if (!run->depth)
		return refuse(run, "DW_CFA_restore_state without a remembered state");
	*run->state = run->program->stack[--run->depth];
	return 0;
}

static void define_cfa(struct run *run, uint8_t op)
{
	struct cfi_state *state = run->state;

	switch (op) {
	case DW_CFA_def_cfa:
	case DW_CFA_def_cfa_sf:
	case DW_CFA_def_cfa_register:
		state->cfa_reg = cursor__uleb128(&run->c);
		state->has_expression = false;
		break;
	}
	switch (op) {
	case DW_CFA_def_cfa:
	case DW_CFA_def_cfa_offset: /* which does not end an expression: so do libgcc and readelf */
		state->cfa_offset = cursor__uleb128(&run->c);
		break;
	case DW_CFA_def_cfa_sf:
	case DW_CFA_def_cfa_offset_sf:
		state->cfa_offset = (uint64_t)cursor__sleb128(&run->c) *
				    (uint64_t)run->program->data_align;
		break;
	case DW_CFA_def_cfa_expression:
		state->cfa_expression = read_expression(run, false);
		state->has_expression = true;
		break;
	}
}

/* Instructions that say where a register is saved: the register's number comes first. */
static int save_register(struct run *run, uint8_t op)
{
	uint64_t reg = cursor__uleb128(&run->c);
	struct cfi_value none = {0}, other;

	switch (op) {
	case DW_CFA_offset_extended:
		save(run, reg, CFI_SAVED_AT, at_cfa(run, cursor__uleb128(&run->c)));
		return 0;
	case DW_CFA_offset_extended_sf:
		save(run, reg, CFI_SAVED_AT, at_cfa(run, cursor__sleb128(&run->c)));
		return 0;
	case DW_CFA_GNU_negative_offset_extended:
		save(run, reg, CFI_SAVED_AT, at_cfa(run, -cursor__uleb128(&run->c)));
		return 0;
	case DW_CFA_val_offset:
		save(run, reg, CFI_SAVED_VALUE, at_cfa(run, cursor__uleb128(&run->c)));
		return 0;
	case DW_CFA_val_offset_sf:
		save(run, reg, CFI_SAVED_VALUE, at_cfa(run, cursor__sleb128(&run->c)));
		return 0;
	case DW_CFA_expression:
		save(run, reg, CFI_SAVED_AT, read_expression(run, true));
		return 0;
	case DW_CFA_val_expression:
		save(run, reg, CFI_SAVED_VALUE, read_expression(run, true));
		return 0;
	case DW_CFA_register:
		other = in_register(cursor__uleb128(&run->c));
		save(run, reg, CFI_SAVED_VALUE, other);
		return 0;
	case DW_CFA_undefined:
		save(run, reg, CFI_SAVED_UNDEFINED, none);
		return 0;
	case DW_CFA_same_value:
		save(run, reg, CFI_SAVED_SAME, none);
		return 0;
	case DW_CFA_restore_extended:
		restore(run, reg);
		return 0;
	}
	return refuse(run, "unknown call frame instruction");
}

static int step(struct run *run)
{
	uint8_t op = cursor__u8(&run->c), operand = op & 0x3f;

	switch (op & 0xc0) {
	case DW_CFA_advance_loc:
		return advance(run, operand);
	case DW_CFA_offset:
		save(run, operand, CFI_SAVED_AT, at_cfa(run, cursor__uleb128(&run->c)));
		return 0;
	case DW_CFA_restore:
		restore(run, operand);
		return 0;
	}
	switch (op) {
	case DW_CFA_nop:
		return 0;
	case DW_CFA_set_loc:
		return set_location(run);
	case DW_CFA_advance_loc1:
		return advance(run, cursor__uint(&run->c, 1));
	case DW_CFA_advance_loc2:
		return advance(run, cursor__uint(&run->c, 2));
	case DW_CFA_advance_loc4:
		return advance(run, cursor__uint(&run->c, 4));
	case DW_CFA_MIPS_advance_loc8:
		return advance(run, cursor__uint(&run->c, 8));
	case DW_CFA_remember_state:
		return remember(run);
	case DW_CFA_restore_state:
		return recall(run);
	case DW_CFA_GNU_args_size:
		cursor__uleb128(&run->c);
		return 0;
	case DW_CFA_def_cfa:
	case DW_CFA_def_cfa_sf:
	case DW_CFA_def_cfa_register:
	case DW_CFA_def_cfa_offset:
	case DW_CFA_def_cfa_offset_sf:
	case DW_CFA_def_cfa_expression:
		define_cfa(run, op);
		return 0;
	}
	return save_register(run, op);
}

int cfi_program__run(const struct cfi_program *program, const uint8_t *bytes, size_t len,
	struct cfi_state *state, const char **ret_reason)
{
	struct run run = {
		.program = program,
		.state = state,
		.c = cursor__new(bytes, len),
		.address = program->address,
	};
	int err = 0;

	while (!err && cursor__left(&run.c) && !run.is_done)
		err = step(&run);
	if (!err && run.c.overrun)
		err = refuse(&run, "a call frame instruction is cut off");
	if (!err && program->ops && !run.is_done)
		err = program->ops->row(program->ctx, run.address, state);
	if (err && run.reason)
		*ret_reason = run.reason;
	return err;
}
