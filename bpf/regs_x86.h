/* SPDX-License-Identifier: GPL-2.0 */
/* x86-64 registers for the stack walk. */
#ifndef BPF_REGS_X86_H
#define BPF_REGS_X86_H

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di;
	unsigned long orig_ax;
	unsigned long ip;
	unsigned long cs;
	unsigned long flags;
	unsigned long sp;
	unsigned long ss;
};
#pragma clang attribute pop

/* The layout of the uapi struct in a perf_event program's context, which is accessed by fixed offset. */
struct perf_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di;
	unsigned long orig_ax, ip, cs, flags, sp, ss;
};

/* In DWARF's order of register numbers, so that an unwind rule's register is an index. */
#define USER_REGS_DWARF_CNT 16
#define DWARF_REG_RBX       3
#define DWARF_REG_FP        6
#define DWARF_REG_SP        7
struct user_regs {
	u64 ip;
	u64 compat; /* not 0: a 32-bit task */
	u64 dwarf[USER_REGS_DWARF_CNT];
};

#define USER_CS_64BIT 0x33

#define user_regs__copy(to, from)                                                                  \
	do {                                                                                       \
		(to)->ip = (from)->ip;                                                             \
		(to)->compat = (from)->cs != USER_CS_64BIT;                                        \
		(to)->dwarf[0] = (from)->ax;                                                       \
		(to)->dwarf[1] = (from)->dx;                                                       \
		(to)->dwarf[2] = (from)->cx;                                                       \
		(to)->dwarf[3] = (from)->bx;                                                       \
		(to)->dwarf[4] = (from)->si;                                                       \
		(to)->dwarf[5] = (from)->di;                                                       \
		(to)->dwarf[6] = (from)->bp;                                                       \
		(to)->dwarf[7] = (from)->sp;                                                       \
		(to)->dwarf[8] = (from)->r8;                                                       \
		(to)->dwarf[9] = (from)->r9;                                                       \
		(to)->dwarf[10] = (from)->r10;                                                     \
		(to)->dwarf[11] = (from)->r11;                                                     \
		(to)->dwarf[12] = (from)->r12;                                                     \
		(to)->dwarf[13] = (from)->r13;                                                     \
		(to)->dwarf[14] = (from)->r14;                                                     \
		(to)->dwarf[15] = (from)->r15;                                                     \
	} while (0)

/* struct sigcontext (uapi asm/sigcontext.h) in the ucontext of a signal frame, up to ip. */
#define SIGNAL_REGS_OFFSET 40 /* offsetof(struct ucontext, uc_mcontext) */
struct signal_regs {
	u64 r8, r9, r10, r11, r12, r13, r14, r15, di, si, bp, bx, dx, ax, cx, sp, ip;
};

#define signal_regs__copy(to, from)                                                                \
	do {                                                                                       \
		(to)->ip = (from)->ip;                                                             \
		(to)->dwarf[0] = (from)->ax;                                                       \
		(to)->dwarf[1] = (from)->dx;                                                       \
		(to)->dwarf[2] = (from)->cx;                                                       \
		(to)->dwarf[3] = (from)->bx;                                                       \
		(to)->dwarf[4] = (from)->si;                                                       \
		(to)->dwarf[5] = (from)->di;                                                       \
		(to)->dwarf[6] = (from)->bp;                                                       \
		(to)->dwarf[7] = (from)->sp;                                                       \
		(to)->dwarf[8] = (from)->r8;                                                       \
		(to)->dwarf[9] = (from)->r9;                                                       \
		(to)->dwarf[10] = (from)->r10;                                                     \
		(to)->dwarf[11] = (from)->r11;                                                     \
		(to)->dwarf[12] = (from)->r12;                                                     \
		(to)->dwarf[13] = (from)->r13;                                                     \
		(to)->dwarf[14] = (from)->r14;                                                     \
		(to)->dwarf[15] = (from)->r15;                                                     \
	} while (0)

/* The bytes before a return address are a call instruction, if this is one: rel32, then call *r/m by its length (Intel SDM,
 * CALL; the ModR/M byte's /2). */
#define CALL_BYTES_MAX 7
static inline int code__is_call(const u8 code[CALL_BYTES_MAX + 1])
{
	if (code[2] == 0xe8)
		return 1;
	if (code[5] == 0xff && ((code[6] & 0xf8) == 0xd0 || (code[6] & 0xf8) == 0x10))
		return 1;
	if (code[4] == 0xff && ((code[5] & 0xf8) == 0x50 || code[5] == 0x14))
		return 1;
	if (code[3] == 0xff && code[4] == 0x54)
		return 1;
	if (code[1] == 0xff && ((code[2] & 0xf8) == 0x90 || code[2] == 0x15))
		return 1;
	return code[0] == 0xff && (code[1] == 0x94 || code[1] == 0x14);
}

/* The trampoline of return probes since 6.11, after its system call: pop %r11; pop %rcx; ret, to what the kernel has put there
 * (uretprobe_trampoline_entry, arch/x86/kernel/uprobes.c). How many words lie before that address when code, four bytes, is
 * what comes next; -1: it is something else. */
static inline int trampoline__words_left(u32 code)
{
	int cnt = 0;

	if ((code & 0xffff) == 0x5b41) {
		code >>= 16;
		cnt++;
	}
	if ((code & 0xff) == 0x59) {
		code >>= 8;
		cnt++;
	}
	return (code & 0xff) == 0xc3 ? cnt : -1;
}

#define perf_regs__is_user(regs) (((regs)->cs & 3) == 3)
/* The system call that a thread is in; -1 or a vector outside of one. */
#define pt_regs__syscall(regs) ((regs)->orig_ax)
#define pt_regs__ip(regs)      ((regs)->ip)
#define pt_regs__sp(regs)      ((regs)->sp)
/* A system call's first two arguments, while the thread is in it. */
#define pt_regs__arg0(regs) ((regs)->di)
#define pt_regs__arg1(regs) ((regs)->si)
/* A function's arguments at its first instruction, and what it returns. */
#define pt_regs__call_arg0(regs) ((regs)->di)
#define pt_regs__call_arg1(regs) ((regs)->si)
#define pt_regs__call_arg2(regs) ((regs)->dx)
#define pt_regs__result(regs)    ((regs)->ax)
#define RETURN_POPS_BYTES        8 /* how far a return moves the stack pointer */
#define SYSCALL_SCHED_YIELD      24
#define SYSCALL_EXECVE           59
#define SYSCALL_EXECVEAT         322
#define CALL_PUSHES_RETURN       1 /* a call leaves the return address where the stack pointer points */
#define SYSCALL_CLONE            56
#define SYSCALL_CLONE3           435

#endif
