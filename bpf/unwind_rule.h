/* SPDX-License-Identifier: GPL-2.0 */
/* How one row of an unwind table computes the caller's registers; shared by user space and BPF. */
#ifndef BPFPROF_UNWIND_RULE_H
#define BPFPROF_UNWIND_RULE_H

/* A row is 4 bytes: the offset of its first instruction in its 64 KiB page of ELF addresses, and the
 * index of its rule. A row holds up to the next row; a page starts with a row at offset 0 wherever the
 * code before it reaches into it. */
#define UNWIND_PAGE_SHIFT 16
#define UNWIND_PAGE_BYTES (1ull << UNWIND_PAGE_SHIFT)

struct unwind_row {
	unsigned short offset; /* address & (UNWIND_PAGE_BYTES - 1) */
	unsigned short rule;   /* index into the host-wide rule table */
};
_Static_assert(sizeof(struct unwind_row) == 4, "rows are 4 bytes");

/* Where the canonical frame address (the stack pointer before the call) comes from. */
enum unwind_cfa {
	UNWIND_CFA_NONE = 0, /* no code known here: end of an FDE, or a gap between two */
	UNWIND_CFA_RSP,      /* rsp + cfa_offset */
	UNWIND_CFA_RBP,      /* rbp + cfa_offset */
	UNWIND_CFA_REG, /* cfa_reg + cfa_offset; known in a leaf or an interrupted frame only, but for rbx */
	UNWIND_CFA_RBP_DEREF, /* *(rbp + cfa_offset) + cfa_extra: gcc's realigned stacks (DRAP) */
	UNWIND_CFA_RSP_DEREF, /* *(rsp + cfa_offset) + cfa_extra */
	UNWIND_CFA_REG_DEREF, /* *(cfa_reg + cfa_offset) + cfa_extra; leaf only */
	/* *(rsp + cfa_offset + 8 * cfa_reg) + cfa_extra: OpenSSL's bn_mul_mont; leaf only */
	UNWIND_CFA_RSP_INDEX_DEREF,
	UNWIND_CFA_PLT, /* rsp + 8 + ((rip & 15) >= cfa_offset ? 8 : 0) */
	UNWIND_CFA_SIGNAL, /* a kernel signal frame: registers are in the ucontext at rsp + cfa_offset */
	UNWIND_CFA_ROOT,        /* return address undefined: the first frame of the thread */
	UNWIND_CFA_UNSUPPORTED, /* a DWARF expression that none of the above expresses */
};

/* Where the caller's rbp is. */
enum unwind_rbp {
	UNWIND_RBP_SAME = 0,  /* still in the register */
	UNWIND_RBP_CFA,       /* *(cfa + rbp_offset) */
	UNWIND_RBP_RBP,       /* *(rbp + rbp_offset): DW_CFA_expression breg6 of a DRAP frame */
	UNWIND_RBP_RSP,       /* *(rsp + rbp_offset) */
	UNWIND_RBP_UNDEFINED, /* not recoverable */
};

/* The return address is *(cfa + ra_offset), -8 in all x86-64 code that compilers emit; or, with
 * UNWIND_RULE_RA_REGISTER, in DWARF register ra_offset, which is known in a leaf or an interrupted frame only
 * (glibc's vfork holds it in rdi). */
struct unwind_rule {
	int cfa_offset;
	int rbp_offset;
	short ra_offset;
	short cfa_extra; /* or, where unwind_rule__tells_rbx(): not 0, and the caller's rbx is *(cfa + cfa_extra) */
	unsigned char cfa;     /* enum unwind_cfa */
	unsigned char cfa_reg; /* DWARF register number */
	unsigned char rbp;     /* enum unwind_rbp */
	unsigned char flags;   /* UNWIND_RULE_* */
};
_Static_assert(sizeof(struct unwind_rule) == 16, "rules are 16 bytes");

/* The frame was interrupted by a signal ('S' in the augmentation): the return address of the frame below
 * it is an exact pc, not one past a call. */
#define UNWIND_RULE_SIGNAL_FRAME 1
#define UNWIND_RULE_RA_REGISTER  2
/* The caller's rbx is not recoverable. Without this or a place for it, it is unchanged. */
#define UNWIND_RULE_RBX_LOST 4

static inline int unwind_rule__tells_rbx(const struct unwind_rule *rule)
{
	return rule->cfa == UNWIND_CFA_RSP || rule->cfa == UNWIND_CFA_RBP ||
	       rule->cfa == UNWIND_CFA_REG;
}

#endif
