// SPDX-License-Identifier: GPL-2.0
/* Steps by rule: what of the stack is read, and rbx, which some frames keep their address in. */
#include "cpu_host.h"

/* Rules of file 7, and the code that has them. */
enum {
	RULE_PLAIN = 2, /* cfa=rsp+32 ra=c-8 */
	RULE_KEEPS,     /* the same, and rbx is saved */
	RULE_BY_RBX,    /* cfa=rbx+16, as its stack was aligned; the caller's rbx is saved below */
	RULE_LOSES,     /* as PLAIN, but rbx is gone */
	RULE_BY_RBP,
	RULE_DEREF, /* cfa=*(rsp+0)+8 */
	RULE_SIGNAL,
	RULE_ROOT,
};

#define FRAME_BYTES 32
#define RBX_OFFSET  (-24)
#define ROWS_APART  0x10
#define PC(rule)    (CODE + (rule)*ROWS_APART)
#define STACK_PAGE  4096ull

static int chunk; /* names the map of file 7's rows */

/* Code at PC(rule) of file 7 has that rule. */
static int setup(void **state)
{
	const struct unwind_rule rules[] = {
		[RULE_PLAIN] = {.cfa = UNWIND_CFA_RSP, .cfa_offset = FRAME_BYTES, .ra_offset = -8},
		[RULE_KEEPS] = {.cfa = UNWIND_CFA_RSP,
			.cfa_offset = FRAME_BYTES,
			.ra_offset = -8,
			.cfa_extra = RBX_OFFSET},
		[RULE_BY_RBX] = {.cfa = UNWIND_CFA_REG,
			.cfa_reg = DWARF_REG_RBX,
			.cfa_offset = 16,
			.ra_offset = -8,
			.cfa_extra = -16},
		[RULE_LOSES] = {.cfa = UNWIND_CFA_RSP,
			.cfa_offset = FRAME_BYTES,
			.ra_offset = -8,
			.flags = UNWIND_RULE_RBX_LOST},
		[RULE_BY_RBP] = {.cfa = UNWIND_CFA_RBP,
			.cfa_offset = 16,
			.rbp = UNWIND_RBP_CFA,
			.rbp_offset = -16,
			.ra_offset = -8},
		[RULE_DEREF] = {.cfa = UNWIND_CFA_RSP_DEREF, .ra_offset = -8, .cfa_extra = 8},
		[RULE_SIGNAL] = {.cfa = UNWIND_CFA_SIGNAL},
		[RULE_ROOT] = {.cfa = UNWIND_CFA_ROOT},
	};
	struct unwind_file *file;
	struct unwind_page_rows *page;
	struct unwind_block *block;
	u32 zero = 0;

	host__setup(state);
	fake_map__add(&chunk, BPF_MAP_TYPE_ARRAY, 1, sizeof(u32), sizeof(struct unwind_block));
	*(void **)fake_map__find(&unwind_chunks)->values = &chunk;
	block = fake_map__lookup(&chunk, &zero, 0);
	for (u32 i = RULE_PLAIN; i <= RULE_ROOT; i++) {
		block->rows[i - RULE_PLAIN] = (struct unwind_row){
			.offset = i * ROWS_APART, .rule = i};
		bpf_map_update_elem(&unwind_rules, &i, &rules[i], BPF_ANY);
	}
	page = fake_map__lookup(&unwind_pages, &zero, 0);
	page->cnt = RULE_ROOT - RULE_PLAIN + 1;
	file = fake_map__lookup(&unwind_files, &(u32){7}, 0);
	*file = (struct unwind_file){.state = UNWIND_READY, .page_cnt = 1};
	return 0;
}

/* The leaf runs code of the first rule, called by the second's, and so on; all frames have FRAME_BYTES. */
static void lay(const u32 *rules, u32 cnt)
{
	host.ctx.regs.ip = PC(rules[0]);
	for (u32 i = 1; i < cnt; i++)
		fake_user__write_u64(host.sp + i * FRAME_BYTES - 8, PC(rules[i]) + 1);
}

/* Another tick: its stack is the record of that number. */
static void tick_as(u32 record, u32 frames, enum stack_end end)
{
	fake.now_ns += PERIOD_NS;
	host__tick();
	assert_int_equal(host__record(record)->user_cnt, frames);
	assert_int_equal(host__record(record)->end, end);
}

static void tick(u32 frames, enum stack_end end)
{
	tick_as(0, frames, end);
}

/* By a frame between that saved it, by none, and by one that is found by it as well. What one walk knew of it the next does not. */
static void a_frame_is_found_by_rbx(void **state)
{
	static const u32 kept[] = {RULE_KEEPS, RULE_PLAIN, RULE_BY_RBX, RULE_ROOT},
			 same[] = {RULE_PLAIN, RULE_PLAIN, RULE_BY_RBX, RULE_ROOT},
			 twice[] = {RULE_PLAIN, RULE_BY_RBX, RULE_PLAIN, RULE_BY_RBX, RULE_ROOT};

	(void)state;
	lay(kept, 4);
	fake_user__write_u64(host.sp + FRAME_BYTES + RBX_OFFSET, host.sp + 3 * FRAME_BYTES - 16);
	host.ctx.regs.bx = 1;
	tick_as(0, 4, STACK_END_ROOT);
	lay(same, 4);
	host.ctx.regs.bx = host.sp + 3 * FRAME_BYTES - 16;
	tick_as(1, 4, STACK_END_ROOT);
	lay(twice, 5);
	host.ctx.regs.bx = host.sp + 2 * FRAME_BYTES - 16;
	fake_user__write_u64(host.ctx.regs.bx, host.sp + 4 * FRAME_BYTES - 16);
	tick_as(2, 5, STACK_END_ROOT);
}

/* rbx would lead on, were it taken for what it was. */
static void rbx_is_not_guessed(void **state)
{
	static const u32 lost[] = {RULE_LOSES, RULE_BY_RBX, RULE_ROOT};
	u64 callers[] = {PC(RULE_BY_RBX) + 1};

	lay(lost, 3);
	host.ctx.regs.bx = host.sp + 2 * FRAME_BYTES - 16;
	tick(2, STACK_END_BAD_RULE);
	/* a frame pointer does not tell either */
	setup(state);
	host__push_frames(callers, 1);
	host.ctx.regs.ip = LIB + 0x100;
	host.ctx.regs.bx = host.sp + 2 * FRAME_BYTES - 16;
	tick(2, STACK_END_BAD_RULE);
}

/* The page that rbx was saved in is not resident. */
static void rbx_that_cannot_be_read_is_said_to_be_so(void **state)
{
	static const u32 rules[] = {RULE_KEEPS, RULE_BY_RBX, RULE_ROOT};

	(void)state;
	host.sp = STACK + 2 * STACK_PAGE + 16 - FRAME_BYTES;
	host.ctx.regs.sp = host.sp;
	lay(rules, 3);
	fake_user__write_u64(host.sp + FRAME_BYTES + RBX_OFFSET, host.sp + 2 * FRAME_BYTES - 16);
	fake_user__protect(STACK + STACK_PAGE, false);
	tick(2, STACK_END_UNREADABLE);
	fake_user__protect(STACK + STACK_PAGE, true);
	tick_as(1, 3, STACK_END_ROOT);
}

/* A constant of a rule is no place of rbx. */
static void what_a_rule_adds_is_not_where_rbx_is(void **state)
{
	static const u32 rules[] = {RULE_DEREF, RULE_BY_RBX, RULE_ROOT};

	(void)state;
	lay(rules, 3);
	fake_user__write_u64(host.sp, host.sp + FRAME_BYTES - 8);
	host.ctx.regs.bx = host.sp + 2 * FRAME_BYTES - 16;
	tick(3, STACK_END_ROOT);
}

/* A signal interrupted code that is found by rbx; its handler had lost it. */
static void a_signal_frame_has_rbx(void **state)
{
	static const u32 rules[] = {RULE_LOSES, RULE_SIGNAL};
	const u64 ucontext = host.sp + FRAME_BYTES, stack = host.sp + 0x400,
		  regs = ucontext + SIGNAL_REGS_OFFSET;

	(void)state;
	lay(rules, 2);
	fake_user__map(regs, sizeof(struct signal_regs));
	fake_user__write_u64(regs + offsetof(struct signal_regs, bx), stack);
	fake_user__write_u64(regs + offsetof(struct signal_regs, sp), stack);
	fake_user__write_u64(regs + offsetof(struct signal_regs, ip), PC(RULE_BY_RBX));
	fake_user__write_u64(stack + 8, PC(RULE_ROOT) + 1);
	tick(4, STACK_END_ROOT);
}

/* A frame pointer far above, and words on both sides of the end of what is read at once, and of a page. */
static void words_are_read_wherever_they_lie(void **state)
{
	for (u64 shift = 0; shift < STACK_PAGE; shift += 4) {
		static const u32 rules[] = {RULE_PLAIN, RULE_PLAIN, RULE_BY_RBP, RULE_ROOT};
		u64 fp;

		setup(state);
		host.sp += shift;
		host.ctx.regs.sp = host.sp;
		fp = host.sp + 2 * FRAME_BYTES + shift;
		lay(rules, 3);
		host.ctx.regs.bp = fp;
		fake_user__write_u64(fp, 0x1234);
		fake_user__write_u64(fp + 8, PC(RULE_ROOT) + 1);
		tick(4, STACK_END_ROOT);
	}
}

/* The pages above the one that a word lies in may not be there. */
static void no_page_is_read_that_is_not_needed(void **state)
{
	static const u32 rules[] = {RULE_PLAIN, RULE_ROOT};

	(void)state;
	host.sp = (STACK + 0x2000) - FRAME_BYTES;
	host.ctx.regs.sp = host.sp;
	lay(rules, 2);
	tick(2, STACK_END_ROOT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_frame_is_found_by_rbx, setup),
		cmocka_unit_test_setup(rbx_is_not_guessed, setup),
		cmocka_unit_test_setup(rbx_that_cannot_be_read_is_said_to_be_so, setup),
		cmocka_unit_test_setup(what_a_rule_adds_is_not_where_rbx_is, setup),
		cmocka_unit_test_setup(a_signal_frame_has_rbx, setup),
		cmocka_unit_test_setup(words_are_read_wherever_they_lie, setup),
		cmocka_unit_test_setup(no_page_is_read_that_is_not_needed, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
