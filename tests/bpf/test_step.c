// SPDX-License-Identifier: GPL-2.0
/* Steps without a row: frame pointers that are only believed behind a call, and stacks that Go switches between. */
#include "cpu_host.h"

#define OTHER_STACK 0xc000010000ull /* below the thread's, as Go's heap is */

static void tick(void)
{
	fake.now_ns += PERIOD_NS;
	host__tick();
}

/* File 7 has a table that knows nothing of the pc. */
static void without_row(u32 keeps_frame_pointers)
{
	struct unwind_file *file = fake_map__lookup(&unwind_files, &(u32){7}, 0);

	file->state = UNWIND_READY;
	file->page_cnt = 0;
	file->keeps_frame_pointers = keeps_frame_pointers;
}

static void call_before(u64 ret)
{
	static const u8 call[] = {0xe8, 1, 2, 3, 4};

	fake_user__write(ret - 7, "\x90\x90", 2);
	fake_user__write(ret - sizeof(call), call, sizeof(call));
}

static void without_row_a_frame_pointer_that_follows_a_call_is_taken(void **state)
{
	const u64 callers[] = {CODE + 0x300, LIB + 0x200};

	(void)state;
	without_row(0);
	call_before(callers[0]);
	call_before(callers[1]);
	host__push_frames(callers, 2);
	tick();
	assert_int_equal(host__record(0)->user_cnt, 3);
	assert_int_equal(host__record(0)->end, STACK_END_ROOT);
	assert_int_equal(host__frames(0)[1], FRAME(7, 0x2ff));
}

static void without_row_all_else_is_no_frame(void **state)
{
	static const struct {
		s64 fp; /* from sp */
		bool has_call;
	} cases[] = {{0x10, false}, {0x11, true}, {-0x10, true}, {-0x2000, true}, {0x100000, true}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		u64 fp, ret = CODE + 0x300;

		host__setup(state);
		without_row(0);
		fp = host.sp + (u64)cases[i].fp;
		if (cases[i].fp < 0x10000)
			fake_user__write_u64(fp + 8, ret);
		if (cases[i].has_call)
			call_before(ret);
		host.ctx.regs.bp = fp;
		tick();
		assert_int_equal(host__record(0)->user_cnt, 1);
		assert_int_equal(host__record(0)->end, STACK_END_NO_ROW);
	}
}

/* From the scheduler's stack back to the goroutine's, whose addresses are lower. */
static void go_comes_back_from_another_stack(void **state)
{
	u64 fp = host.sp + 0x10;

	(void)state;
	without_row(1);
	fake_user__write_u64(fp, OTHER_STACK);
	fake_user__write_u64(fp + 8, CODE + 0x300);
	fake_user__write_u64(OTHER_STACK, OTHER_STACK + 0x20);
	fake_user__write_u64(OTHER_STACK + 8, CODE + 0x400);
	fake_user__write_u64(OTHER_STACK + 0x20, 0);
	fake_user__write_u64(OTHER_STACK + 0x28, CODE + 0x500);
	host.ctx.regs.bp = fp;
	tick();
	assert_int_equal(host__record(0)->user_cnt, 4);
	assert_int_equal(host__record(0)->end, STACK_END_ROOT);
	assert_int_equal(host__frames(0)[3], FRAME(7, 0x4ff));
}

/* JIT code does not switch; and a loop of two stacks ends. */
static void only_go_and_only_so_often(void **state)
{
	u64 fp = host.sp + 0x10;
	u32 cnt;

	(void)state;
	without_row(1);
	fake_user__write_u64(fp, OTHER_STACK);
	fake_user__write_u64(fp + 8, CODE + 0x300);
	fake_user__write_u64(OTHER_STACK, fp);
	fake_user__write_u64(OTHER_STACK + 8, CODE + 0x400);
	host.ctx.regs.bp = fp;
	tick();
	cnt = host__record(0)->user_cnt;
	assert_true(cnt > STACK_SWITCHES_MAX && cnt <= 2 * STACK_SWITCHES_MAX + 2);
	assert_int_equal(host__record(0)->end, STACK_END_BAD_FP);

	host.ctx.regs.ip = JIT + 0x100;
	host.ctx.regs.bp = OTHER_STACK;
	tick();
	assert_int_equal(host__record(1)->user_cnt, 1);
	assert_int_equal(host__record(1)->end, STACK_END_BAD_FP);
}

/* Instructions as binutils assembles them; the return address follows the last byte. */
static void calls_are_known_by_their_bytes(void **state)
{
	static const struct {
		const char *code;
		u32 bytes;
		int is_call;
	} cases[] = {
		{"\xe8\x00\x01\x00\x00", 5, 1},         /* call rel32 */
		{"\xff\xd0", 2, 1},                     /* call *%rax */
		{"\x41\xff\xd3", 3, 1},                 /* call *%r11 */
		{"\xff\x10", 2, 1},                     /* call *(%rax) */
		{"\xff\x50\x18", 3, 1},                 /* call *0x18(%rax) */
		{"\xff\x14\xc1", 3, 1},                 /* call *(%rcx,%rax,8) */
		{"\xff\x54\x24\x08", 4, 1},             /* call *8(%rsp) */
		{"\xff\x15\x10\x20\x00\x00", 6, 1},     /* call *0x2010(%rip) */
		{"\xff\x97\x10\x02\x00\x00", 6, 1},     /* call *0x210(%rdi) */
		{"\xff\x94\x24\x10\x02\x00\x00", 7, 1}, /* call *0x210(%rsp) */
		{"\xff\x14\x25\x10\x02\x00\x00", 7, 1}, /* call *0x210 */
		{"\xff\xe0", 2, 0},                     /* jmp *%rax */
		{"\xe9\x00\x01\x00\x00", 5, 0},         /* jmp rel32 */
		{"\xff\x25\x10\x20\x00\x00", 6, 0},     /* jmp *0x2010(%rip) */
		{"\x48\x8b\x04\x24", 4, 0},             /* mov (%rsp), %rax */
		{"\xc3", 1, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		u8 code[CALL_BYTES_MAX + 1];

		memset(code, 0x90, sizeof(code));
		memcpy(code + CALL_BYTES_MAX - cases[i].bytes, cases[i].code, cases[i].bytes);
		if (code__is_call(code) != cases[i].is_call)
			fail_msg("case %zu", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
			without_row_a_frame_pointer_that_follows_a_call_is_taken, host__setup),
		cmocka_unit_test_setup(without_row_all_else_is_no_frame, host__setup),
		cmocka_unit_test_setup(go_comes_back_from_another_stack, host__setup),
		cmocka_unit_test_setup(only_go_and_only_so_often, host__setup),
		cmocka_unit_test(calls_are_known_by_their_bytes),
	};

	return cmocka_run_group_tests_name("bpf_step", tests, NULL, NULL);
}
