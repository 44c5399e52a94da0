/* SPDX-License-Identifier: GPL-2.0 */
/* arm64 registers for the stack walk. */
#ifndef BPF_REGS_ARM64_H
#define BPF_REGS_ARM64_H

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct pt_regs {
	u64 regs[31];
	u64 sp;
	u64 pc;
	u64 pstate;
	u64 orig_x0;
	s32 syscallno;
};
#pragma clang attribute pop

struct perf_regs {
	u64 regs[31];
	u64 sp;
	u64 pc;
	u64 pstate;
};

#define USER_REGS_DWARF_CNT 32
#define DWARF_REG_RBX       USER_REGS_DWARF_CNT /* none is followed */
#define DWARF_REG_FP        29
#define DWARF_REG_SP        31
struct user_regs {
	u64 ip;
	u64 compat;
	u64 dwarf[USER_REGS_DWARF_CNT];
};

#define PSR_MODE32_BIT 0x10

#define user_regs__copy(to, from)                                                                  \
	do {                                                                                       \
		(to)->ip = (from)->pc;                                                             \
		(to)->compat = (from)->pstate & PSR_MODE32_BIT;                                    \
		(to)->dwarf[DWARF_REG_FP] = (from)->regs[29];                                      \
		(to)->dwarf[30] = (from)->regs[30];                                                \
		(to)->dwarf[DWARF_REG_SP] = (from)->sp;                                            \
	} while (0)

/* struct sigcontext (uapi asm/sigcontext.h) in the ucontext of a signal frame, up to pc. */
#define SIGNAL_REGS_OFFSET 184 /* offsetof(struct ucontext, uc_mcontext) + sizeof(fault_address) */
struct signal_regs {
	u64 regs[31];
	u64 sp;
	u64 pc;
};

#define signal_regs__copy(to, from)                                                                \
	do {                                                                                       \
		(to)->ip = (from)->pc;                                                             \
		(to)->dwarf[DWARF_REG_FP] = (from)->regs[29];                                      \
		(to)->dwarf[30] = (from)->regs[30];                                                \
		(to)->dwarf[DWARF_REG_SP] = (from)->sp;                                            \
	} while (0)

/* The instruction before a return address: BL or BLR. */
#define CALL_BYTES_MAX 4
static inline int code__is_call(const u8 code[CALL_BYTES_MAX + 1])
{
	return (code[3] & 0xfc) == 0x94 || (code[3] == 0xd6 && code[2] == 0x3f &&
						   (code[1] & 0xfc) == 0 && (code[0] & 0x1f) == 0);
}

/* The trampoline of return probes is one breakpoint. */
static inline int trampoline__words_left(u32 code)
{
	(void)code;
	return -1;
}

#define perf_regs__is_user(regs) (((regs)->pstate & 0xf) == 0)
#define pt_regs__syscall(regs)   ((regs)->syscallno)
#define pt_regs__ip(regs)        ((regs)->pc)
#define pt_regs__sp(regs)        ((regs)->sp)
/* A system call's first two arguments, while the thread is in it. */
#define pt_regs__arg0(regs)      ((regs)->orig_x0)
#define pt_regs__arg1(user)      ((user)->regs[1])
#define pt_regs__call_arg0(user) ((user)->regs[0])
#define pt_regs__call_arg1(user) ((user)->regs[1])
#define pt_regs__call_arg2(user) ((user)->regs[2])
#define pt_regs__result(user)    ((user)->regs[0])
#define RETURN_POPS_BYTES        0
#define SYSCALL_SCHED_YIELD      124
#define SYSCALL_EXECVE           221
#define SYSCALL_EXECVEAT         281
#define CALL_PUSHES_RETURN       0
#define SYSCALL_CLONE            220
#define SYSCALL_CLONE3           435

#endif
