/* SPDX-License-Identifier: GPL-2.0 */
/* DWARF register numbers of x86-64 (psABI, figure 3.36) as far as unwinding needs them. */
#ifndef UNWIND_REGISTERS_X86_H
#define UNWIND_REGISTERS_X86_H

#include <elf.h>

#define CFI_MACHINE EM_X86_64

enum {
	CFI_REG_RBX =
		3, /* what ld.so's lazy binding and others that align their stack keep the frame's address in */
	CFI_REG_FP = 6,  /* rbp */
	CFI_REG_SP = 7,  /* rsp */
	CFI_REG_PC = 16, /* the return address column */
	CFI_REG_CNT = 17,
};

#endif
