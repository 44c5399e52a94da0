// SPDX-License-Identifier: GPL-2.0
/* The choice of a probe's instruction: prologues by hand, and the first bytes of real allocators. */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collect/probe_site.h"
#include "unwind/insn_x86.h"

#define CODE(...) {__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})

struct row {
	const char *what;
	uint8_t code[16];
	size_t bytes;
	/* -1: the entry, single-stepped */
	int with_return, entry_only;
};

/* clang-format off */
static const struct row rows[] = {
	{"push rbp", CODE(0x55, 0x48, 0x89, 0xe5), 0, 0},
	{"push r15", CODE(0x41, 0x57, 0x41, 0x56), 0, 0},
	{"endbr64, push", CODE(0xf3, 0x0f, 0x1e, 0xfa, 0x41, 0x54), 4, 4},
	/* behind a sub the word at the stack pointer is no return address */
	{"sub rsp, push", CODE(0x48, 0x83, 0xec, 0x18, 0x55), -1, 4},
	{"endbr64, sub rsp, nop", CODE(0xf3, 0x0f, 0x1e, 0xfa, 0x48, 0x83, 0xec, 0x08, 0x90), -1,
		8},
	{"lea rsp, push", CODE(0x48, 0x8d, 0x64, 0x24, 0xf8, 0x55), -1, 5},
	{"jmp rel32: a thunk", CODE(0xe9, 0x10, 0x00, 0x00, 0x00), 0, 0},
	{"endbr64, jmp rel8", CODE(0xf3, 0x0f, 0x1e, 0xfa, 0xeb, 0x10), 4, 4},
	{"bnd jmp", CODE(0xf2, 0xe9, 0x10, 0x00, 0x00, 0x00), 0, 0},
	{"nop", CODE(0x90, 0xc3), 0, 0},
	{"pause is stepped", CODE(0xf3, 0x90, 0xc3), -1, -1},
	/* glibc's free: test rdi,rdi; je; push */
	{"glibc 2.36 free", CODE(0x48, 0x85, 0xff, 0x0f, 0x84, 0x90, 0, 0, 0, 0x55), 3, 3},
	/* glibc's memalign */
	{"cmp, push", CODE(0x48, 0x83, 0xff, 0x10, 0x53), 4, 4},
	/* jemalloc's operator new: cmp rdi,0x1000; ja */
	{"jemalloc 5.3 _Znwm", CODE(0x48, 0x81, 0xff, 0x00, 0x10, 0, 0, 0x0f, 0x87, 0x93, 0, 0, 0),
		7, 7},
	/* jemalloc's free begins by moves and shifts of copies, then adds %fs:0 */
	{"mov rax,rdi; shr rax; push", CODE(0x48, 0x89, 0xf8, 0x48, 0xc1, 0xe8, 0x1a, 0x55), 7, 7},
	{"mov fs:0,rax; push", CODE(0x64, 0x48, 0x8b, 0x04, 0x25, 0, 0, 0, 0, 0x55), 9, 9},
	{"mov rip-relative; push", CODE(0x48, 0x8b, 0x15, 0x0e, 0x53, 0x0a, 0x00, 0x55), -1,
		-1}, /* rdx */
	/* the arguments are gone */
	{"mov rdi,rsi; push", CODE(0x48, 0x89, 0xf7, 0x55), -1, -1},
	{"xor esi,esi; push", CODE(0x31, 0xf6, 0x55), -1, -1},
	{"lea rdi; jmp", CODE(0x48, 0x8d, 0x7f, 0x08, 0xeb, 0x00), -1, -1},
	{"mov edx,1; push", CODE(0xba, 1, 0, 0, 0, 0x55), -1, -1},
	{"add rdi,8; push", CODE(0x48, 0x83, 0xc7, 0x08, 0x55), -1, -1},
	/* past a branch not every call comes */
	{"call; push", CODE(0xe8, 0, 0, 0, 0, 0x55), -1, -1},
	{"ret", CODE(0xc3), -1, -1},
	{"call first", CODE(0xe8, 0x10, 0, 0, 0), -1, -1},
	/* a loop leads back to the site */
	{"test, push, jmp to push", CODE(0x48, 0x85, 0xff, 0x55, 0xeb, 0xfd), -1, -1},
	{"test, push, near jmp to push", CODE(0x48, 0x85, 0xff, 0x55, 0xe9, 0xfa, 0xff, 0xff, 0xff),
		-1, -1},
	{"test, push, jne to push", CODE(0x48, 0x85, 0xff, 0x55, 0x75, 0xfd), -1, -1},
	/* not decoded: syscall, vector code, a 66-prefixed push that the kernel steps */
	{"syscall", CODE(0x0f, 0x05, 0x55), -1, -1},
	{"vmovdqu; push", CODE(0xc5, 0xfe, 0x6f, 0x07, 0x55), -1, -1},
	{"66 push", CODE(0x66, 0x50, 0xc3), -1, -1},
	{"rex.w push", CODE(0x48, 0x50, 0xc3), -1, -1},
	{"cut off", CODE(0x48, 0x83), -1, -1},
	{"endbr64 alone", CODE(0xf3, 0x0f, 0x1e, 0xfa), -1, -1},
};
/* clang-format on */

static void check(const struct row *row, bool wants_return, int want)
{
	bool is_emulated;
	uint32_t site = probe_site__choose(
		EM_X86_64, row->code, row->bytes, 3, wants_return, &is_emulated);

	if (is_emulated != (want >= 0) || site != (want >= 0 ? (uint32_t)want : 0))
		fail_msg("%s (%s): site %u emulated %d, not %d", row->what,
			wants_return ? "return" : "entry", site, is_emulated, want);
}

static void test_prologues(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		check(&rows[i], true, rows[i].with_return);
		check(&rows[i], false, rows[i].entry_only);
	}
}

static void test_nothing_and_other_machines(void **state)
{
	const uint8_t push[] = {0x55};
	bool is_emulated = true;

	(void)state;
	assert_int_equal(probe_site__choose(EM_X86_64, push, 0, 3, true, &is_emulated), 0);
	assert_false(is_emulated);
	assert_int_equal(probe_site__choose(EM_AARCH64, push, 1, 3, true, &is_emulated), 0);
	assert_false(is_emulated);
}

/* Only the arguments that are read have to be there. */
static void test_argument_counts(void **state)
{
	static const uint8_t takes_rdx[] = {0xba, 1, 0, 0, 0, 0x55},
			     takes_rsi[] = {0x31, 0xf6, 0x55};
	bool is_emulated;

	(void)state;
	assert_int_equal(
		probe_site__choose(EM_X86_64, takes_rdx, sizeof(takes_rdx), 2, true, &is_emulated),
		5);
	assert_true(is_emulated);
	assert_int_equal(
		probe_site__choose(EM_X86_64, takes_rsi, sizeof(takes_rsi), 2, true, &is_emulated),
		0);
	assert_false(is_emulated);
	assert_int_equal(
		probe_site__choose(EM_X86_64, takes_rsi, sizeof(takes_rsi), 1, true, &is_emulated),
		2);
	assert_true(is_emulated);
}

static void test_lengths(void **state)
{
	static const struct {
		uint8_t code[16];
		size_t bytes;
	} insns[] = {
		{CODE(0x48, 0x8b, 0x44, 0x24, 0x08)},       /* mov 8(%rsp),%rax */
		{CODE(0x48, 0x8b, 0x84, 0x24, 1, 2, 3, 4)}, /* mov disp32(%rsp),%rax */
		{CODE(0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8)}, /* movabs */
		{CODE(0x66, 0x81, 0x3f, 0x34, 0x12)},       /* cmpw */
		{CODE(0x80, 0x3d, 1, 2, 3, 4, 0)},          /* cmpb $0,rip */
		{CODE(0x48, 0xc7, 0x07, 1, 0, 0, 0)},       /* movq $1,(%rdi) */
		{CODE(0xf6, 0xc3, 0x01)},                   /* test $1,%bl */
		{CODE(0x48, 0xf7, 0xc7, 1, 0, 0, 0)},       /* test $1,%rdi */
		{CODE(0x0f, 0xb6, 0x04, 0x10)},             /* movzbl */
		{CODE(0x48, 0x3d, 0xff, 0x0f, 0, 0)},       /* cmp $,%rax */
		{CODE(0x66, 0x0f, 0x1f, 0x44, 0, 0)},       /* nopw */
		{CODE(0x48, 0x0f, 0x44, 0xc1)},             /* cmove */
	};
	struct insn insn;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(insns) / sizeof(insns[0]); i++) {
		assert_true(insn__decode(insns[i].code, insns[i].bytes, &insn));
		assert_int_equal(insn.bytes, insns[i].bytes);
		/* no byte less will do */
		assert_false(insn__decode(insns[i].code, insns[i].bytes - 1, &insn));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prologues),
		cmocka_unit_test(test_nothing_and_other_machines),
		cmocka_unit_test(test_argument_counts),
		cmocka_unit_test(test_lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
