// SPDX-License-Identifier: GPL-2.0
/* Stacks through functions whose return address a return probe has replaced, and through stepped instructions. */
#include "cpu_host.h"

#define TRAMPOLINE 0x7fffffffe000ull
#define RETURN     (CODE + 0x300) /* where the probed function was called */

static struct xol_area area;
static struct uprobe_task utask;
static struct return_instance calls[URETPROBE_DEPTH_MAX + 2];

static void tick(void)
{
	fake.now_ns += PERIOD_NS;
	host__tick();
}

/* The leaf is in a library, called by a probed function's caller at RETURN, in main. */
static int setup(void **state)
{
	const u64 callers[] = {TRAMPOLINE, CODE + 0x400};

	host__setup(state);
	memset(calls, 0, sizeof(calls));
	utask = (struct uprobe_task){.return_instances = calls};
	area.vaddr = TRAMPOLINE;
	host.mm.uprobes_state.xol_area = &area;
	host.thread.utask = &utask;
	host.ctx.regs.ip = LIB + 0x100;
	host__push_frames(callers, 2);
	calls[0].stack = host.sp + 0x18; /* of the first return address */
	calls[0].orig_ret_vaddr = RETURN;
	return 0;
}

static void assert_whole(void)
{
	assert_int_equal(host__record(0)->end, STACK_END_ROOT);
	assert_int_equal(host__record(0)->user_cnt, 3);
	assert_int_equal(host__record(0)->raw_cnt, 0);
	assert_int_equal(host__frames(0)[0], FRAME(9, 0x1100));
	assert_int_equal(host__frames(0)[1], FRAME(7, 0x2ff));
	assert_int_equal(host__frames(0)[2], FRAME(7, 0x3ff));
}

static void a_replaced_return_address_is_found(void **state)
{
	(void)state;
	tick();
	assert_whole();
}

static void it_is_the_one_of_its_place(void **state)
{
	u32 i;

	(void)state;
	/* calls within it, which were left by longjmp(3) or are under way */
	for (i = 0; i < 8; i++) {
		calls[i] = (struct return_instance){.stack = host.sp - 0x20 * (8 - i),
			.orig_ret_vaddr = LIB + 0x666,
			.next = &calls[i + 1]};
	}
	calls[8] = (struct return_instance){
		.stack = host.sp + 0x18, .orig_ret_vaddr = RETURN, .next = &calls[9]};
	calls[9] = (struct return_instance){.stack = host.sp + 0x38, .orig_ret_vaddr = LIB + 0x777};
	tick();
	assert_whole();
}

static void two_of_them_in_one_stack(void **state)
{
	const u64 callers[] = {TRAMPOLINE, TRAMPOLINE};

	(void)state;
	host__push_frames(callers, 2);
	calls[0].next = &calls[1];
	calls[1] = (struct return_instance){
		.stack = host.sp + 0x38, .orig_ret_vaddr = CODE + 0x400};
	tick();
	assert_whole();
}

static void without_a_record_the_stack_ends_there(void **state)
{
	(void)state;
	calls[0].stack += 8;
	tick();
	assert_int_equal(host__record(0)->end, STACK_END_NO_MAPPING);
	assert_int_equal(host__record(0)->user_cnt, 1);
}

static void a_kernel_without_uprobes_is_walked_as_before(void **state)
{
	(void)state;
	fake.core_field_exists = false;
	tick();
	assert_int_equal(host__record(0)->end, STACK_END_NO_MAPPING);
	setup(state);
	host.thread.utask = NULL;
	tick();
	assert_int_equal(host__record(0)->end, STACK_END_NO_MAPPING);
}

/* The list is the kernel's, but it is read while it changes: it has an end. */
static void a_list_without_end_is_left(void **state)
{
	(void)state;
	calls[0].stack = 1;
	calls[0].next = &calls[0];
	tick();
	assert_int_equal(host__record(0)->end, STACK_END_NO_MAPPING);
}

/* The return address has been popped; the trampoline may have pushed registers. */
static void a_thread_in_the_trampoline_is_on_its_way_to_the_caller(void **state)
{
	static const u64 pushed[] = {0, 8, 24};
	const u64 callers[] = {CODE + 0x400};
	size_t i;

	for (i = 0; i < sizeof(pushed) / sizeof(pushed[0]); i++) {
		setup(state);
		host__push_frames(callers, 1);
		host.ctx.regs.ip = TRAMPOLINE + pushed[i];
		host.ctx.regs.sp = host.sp - pushed[i];
		calls[0].stack = host.sp - 8;
		tick();
		assert_int_equal(host__record(0)->end, STACK_END_ROOT);
		assert_int_equal(host__record(0)->user_cnt, 2);
		assert_int_equal(host__record(0)->raw_cnt, 0);
		assert_int_equal(host__frames(0)[0], FRAME(7, 0x2ff));
		assert_int_equal(host__frames(0)[1], FRAME(7, 0x3ff));
	}
}

#ifdef __x86_64__
/* After its system call the kernel has forgotten the call, and left the return address above what is popped. */
static void a_thread_that_leaves_the_trampoline_finds_its_caller(void **state)
{
	/* push %rax; push %rcx; push %r11; mov $335,%rax; syscall; pop %r11; pop %rcx; ret */
	static const unsigned char code[] = {0x50, 0x51, 0x41, 0x53, 0x48, 0xc7, 0xc0, 0x4f, 0x01,
		0, 0, 0x0f, 0x05, 0x41, 0x5b, 0x59, 0xc3, 0, 0, 0, 0};
	static const u64 places[] = {13, 15, 16, 4};
	const u64 callers[] = {RETURN, CODE + 0x400};
	size_t i;

	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		setup(state);
		utask.return_instances = NULL;
		host__push_frames(callers, 2);
		fake_user__write(TRAMPOLINE, code, sizeof(code));
		host.ctx.regs.ip = TRAMPOLINE + places[i];
		host.ctx.regs.sp = host.sp + 0x18 - 8 * (i < 2 ? 2 - i : 0);
		host.ctx.regs.bp = host.sp + 0x30; /* the caller's own */
		tick();
		if (places[i] == 4) { /* nothing tells */
			assert_int_equal(host__record(0)->raw_cnt, 1);
			continue;
		}
		assert_int_equal(host__record(0)->end, STACK_END_ROOT);
		assert_int_equal(host__record(0)->user_cnt, 2);
		assert_int_equal(host__record(0)->raw_cnt, 0);
		assert_int_equal(host__frames(0)[0], FRAME(7, 0x2ff));
		assert_int_equal(host__frames(0)[1], FRAME(7, 0x3ff));
	}
}
#endif

static void a_stepped_instruction_is_where_it_was(void **state)
{
	(void)state;
	host.ctx.regs.ip = TRAMPOLINE + 2 * XOL_SLOT_BYTES;
	utask.vaddr = LIB + 0x100;
	tick();
	assert_whole();
	setup(state);
	host.ctx.regs.ip = TRAMPOLINE + 2 * XOL_SLOT_BYTES;
	utask.vaddr = host.ctx.regs.ip; /* nonsense has an end, too */
	tick();
	assert_int_equal(host__record(0)->raw_cnt, 1);
}

static void the_deepest_stack_is_still_known_as_cut(void **state)
{
	static u64 callers[STACK_FRAMES_MAX + 8];
	u32 i;

	(void)state;
	for (i = 0; i < STACK_FRAMES_MAX + 8; i++)
		callers[i] = i < 4 ? TRAMPOLINE : CODE + 0x100 + i;
	host__push_frames(callers, STACK_FRAMES_MAX + 8);
	for (i = 0; i < 4; i++)
		calls[i] = (struct return_instance){.stack = host.sp + 0x18 + 0x20 * i,
			.orig_ret_vaddr = RETURN,
			.next = &calls[i + 1]};
	calls[3].next = NULL;
	tick();
	assert_int_equal(host__record(0)->user_cnt, STACK_FRAMES_MAX);
	assert_int_equal(host__record(0)->end, STACK_END_DEPTH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_replaced_return_address_is_found, setup),
		cmocka_unit_test_setup(it_is_the_one_of_its_place, setup),
		cmocka_unit_test_setup(two_of_them_in_one_stack, setup),
		cmocka_unit_test_setup(without_a_record_the_stack_ends_there, setup),
		cmocka_unit_test_setup(a_kernel_without_uprobes_is_walked_as_before, setup),
		cmocka_unit_test_setup(a_list_without_end_is_left, setup),
		cmocka_unit_test_setup(
			a_thread_in_the_trampoline_is_on_its_way_to_the_caller, setup),
		cmocka_unit_test_setup(a_stepped_instruction_is_where_it_was, setup),
#ifdef __x86_64__
		cmocka_unit_test_setup(a_thread_that_leaves_the_trampoline_finds_its_caller, setup),
#endif
		cmocka_unit_test_setup(the_deepest_stack_is_still_known_as_cut, setup),
	};

	return cmocka_run_group_tests_name("bpf_uretprobe", tests, NULL, NULL);
}
