// SPDX-License-Identifier: GPL-2.0
/* The stack walk: which mapping, which frame, how it ends, what it is hashed to, when it is sent. */
#include "cpu_host.h"

_Static_assert(COUNTER_end_kernel - COUNTER_end_root == STACK_END_KERNEL &&
		       COUNTER_end_depth - COUNTER_end_root == STACK_END_DEPTH &&
		       COUNTER_end_no_mapping - COUNTER_end_root == STACK_END_NO_MAPPING &&
		       COUNTER_end_no_row - COUNTER_end_root == STACK_END_NO_ROW &&
		       COUNTER_end_no_table - COUNTER_end_root == STACK_END_NO_TABLE &&
		       COUNTER_end_unreadable - COUNTER_end_root == STACK_END_UNREADABLE &&
		       COUNTER_end_bad_cfa - COUNTER_end_root == STACK_END_BAD_CFA &&
		       COUNTER_end_bad_rule - COUNTER_end_root == STACK_END_BAD_RULE &&
		       COUNTER_end_compat - COUNTER_end_root == STACK_END_COMPAT &&
		       COUNTER_end_bad_fp - COUNTER_end_root == STACK_END_BAD_FP &&
		       COUNTER_end_exec - COUNTER_end_root == STACK_END_EXEC,
	"the counters of ends stand in the order of enum stack_end");

static u64 tick_hash(void)
{
	struct fake_map *map = fake_map__find(&cpu_samples_0);

	memset(map->order, 0, map->max_entries * sizeof(*map->order));
	map->cnt = 0;
	fake.now_ns += PERIOD_NS;
	host__tick();
	return host__key(NULL).stack;
}

/* ---- mapping search ---- */

/* cnt rows of 0x1000, 0x2000 apart, the first at 0x10000; between two stands row `first` of someone else on either side. */
static struct walk *search_in(u32 first, u32 cnt)
{
	static struct walk walk;
	u32 i, row_cnt = first + cnt + 1;
	struct mapping_row *rows = fake_map__lookup(&mapping_rows, &(u32){0}, 0);

	memset(&walk, 0, sizeof(walk));
	for (i = 0; i < row_cnt; i++)
		rows[i] = (struct mapping_row){.start = 1, .end = ~0ull, .file_id = 666};
	for (i = 0; i < cnt; i++)
		rows[first + i] = (struct mapping_row){.start = 0x10000 + i * 0x2000ull,
			.end = 0x11000 + i * 0x2000ull,
			.file_id = i + 1};
	walk.rows_first = first;
	walk.rows_cnt = cnt;
	return &walk;
}

static u32 found(struct walk *walk, u64 addr)
{
	walk__no_row(walk); /* not the row hit before */
	if (!mapping__find(walk, addr)) {
		assert_int_equal(walk->row.end, 0);
		assert_int_equal(walk->row.file_id, 0);
		return 0;
	}
	return walk->row.file_id;
}

static void check_search(u32 first, u32 cnt, u32 stride)
{
	struct walk *walk = search_in(first, cnt);
	u32 i;

	assert_int_equal(found(walk, 0), 0);
	assert_int_equal(found(walk, 0xffff), 0);
	assert_int_equal(found(walk, ~0ull), 0);
	for (i = 0; i < cnt; i += stride) {
		u64 start = 0x10000 + i * 0x2000ull;

		assert_int_equal(found(walk, start - 1), 0);
		assert_int_equal(found(walk, start), i + 1);
		assert_int_equal(found(walk, start + 0xfff), i + 1);
		assert_int_equal(found(walk, start + 0x1000), 0);
	}
	assert_int_equal(found(walk, 0x10000 + cnt * 0x2000ull), 0);
}

static void search_finds_every_boundary(void **state)
{
	static const u32 cnts[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 31, 32, 33, 255, 256, 257};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cnts) / sizeof(cnts[0]); i++) {
		check_search(0, cnts[i], 1);
		check_search(40, cnts[i], 1);
	}
}

static void search_in_as_many_rows_as_a_process_may_have(void **state)
{
	(void)state;
	check_search(0, 65530, 1);
	check_search(7, 65535, 1);
}

static void search_in_all_65536_rows(void **state)
{
	(void)state;
	check_search(0, 65536, 1);
}

static void search_remembers_the_row_but_not_beyond_it(void **state)
{
	struct walk *walk = search_in(4, 3);

	(void)state;
	assert_true(mapping__find(walk, 0x12010));
	assert_true(mapping__find(walk, 0x12fff));
	assert_int_equal(walk->row.file_id, 2);
	assert_false(mapping__find(walk, 0x13000));
	assert_int_equal(walk->row.end, 0);
	assert_true(mapping__find(walk, 0x14000));
	assert_int_equal(walk->row.file_id, 3);
}

/* ---- slices ---- */

static struct mapping_slice *slice(void)
{
	return fake_map__lookup(&mapping_slices, &(u32){3}, 0);
}

static void assert_leaf_is_raw(enum counter why)
{
	u64 before = host__counter(why);

	tick_hash();
	assert_int_equal(host__counter(why) - before, 1);
	assert_int_equal(host__record(fake.record_cnt - 1)->user_cnt, 1);
	assert_int_equal(host__record(fake.record_cnt - 1)->raw_cnt, 1);
	assert_int_equal(host__record(fake.record_cnt - 1)->end, STACK_END_NO_MAPPING);
	assert_int_equal(host__frames(fake.record_cnt - 1)[0], CODE + 0x100);
}

static void a_slice_of_another_image_is_not_used(void **state)
{
	const u64 callers[] = {LIB + 0x200};

	(void)state;
	host__push_frames(callers, 1);
	slice()->start_stack++;
	assert_leaf_is_raw(COUNTER_mapping_stale);
	slice()->start_stack--;
	fake_map__find(&stacks_shipped)->order[0] = 0; /* sent again below */
	slice()->end_code--;
	assert_leaf_is_raw(COUNTER_mapping_stale);
}

static void a_slice_being_written_is_not_used(void **state)
{
	(void)state;
	slice()->seq |= 1;
	assert_leaf_is_raw(COUNTER_mapping_stale);
}

static void an_unknown_process_has_raw_leaves(void **state)
{
	u32 pid = 200;

	(void)state;
	bpf_map_delete_elem(&process_slices, &pid);
	assert_leaf_is_raw(COUNTER_mapping_unknown);
}

static void a_child_just_forked_has_its_parents_mappings(void **state)
{
	u32 pid = 200, parent_slice = 3, parent_pid = 100;

	(void)state;
	bpf_map_delete_elem(&process_slices, &pid);
	bpf_map_update_elem(&process_slices, &parent_pid, &parent_slice, BPF_ANY);
	tick_hash();
	assert_int_equal(host__frames(0)[0], FRAME(7, 0x100));
	assert_int_equal(host__counter(COUNTER_mapping_unknown), 0);
	/* not after an exec */
	host.mm.start_stack += 16;
	assert_leaf_is_raw(COUNTER_mapping_unknown);
}

/* The daemon rewrites a slice while it is read: whichever moment it falls into, no frame is looked up in a mixture. */
static void rewrite_slice(void)
{
	static const struct mapping_row moved = {.start = CODE,
		.end = CODE + SPAN,
		.bias = CODE_BIAS + 0x100000000ull,
		.file_id = 8};
	u32 row = 20;

	bpf_map_update_elem(&mapping_rows, &row, &moved, BPF_ANY);
	slice()->seq += 2;
	slice()->first = 20;
	slice()->cnt = 1;
}

static void a_slice_rewritten_at_any_point_gives_one_or_the_other(void **state)
{
	u32 step = 0, last;

	do {
		u64 frame;

		host__setup(state);
		host__set_state(8, UNWIND_FRAME_POINTER);
		fake.step_fn = rewrite_slice;
		fake.step = 0;
		fake.step_at = ++step;
		host__tick();
		last = fake.step;
		frame = host__frames(0)[0];
		assert_true(frame == FRAME(7, 0x100) ||
			    frame == FRAME(8, (CODE + 0x100 - CODE_BIAS - 0x100000000ull) &
						      FRAME_ADDR_MASK) ||
			    frame == CODE + 0x100);
	} while (step < last);
}

/* ---- frames ---- */

static void frames_are_file_and_elf_address(void **state)
{
	const u64 callers[] = {LIB + 0x200, JIT + 0x300, CODE + 0x400};
	const u64 *frames;

	(void)state;
	host__push_frames(callers, 3);
	tick_hash();
	frames = host__frames(0);
	assert_int_equal(host__record(0)->user_cnt, 4);
	assert_int_equal(host__record(0)->kernel_cnt, 0);
	assert_int_equal(host__record(0)->raw_cnt, 1);
	assert_int_equal(host__record(0)->end, STACK_END_ROOT);
	assert_int_equal(host__record(0)->pid, 200);
	assert_int_equal(host__record(0)->start_ns, 5000);
	assert_int_equal(host__record(0)->time_ns, fake.boot_ns);
	assert_int_equal(frames[0], FRAME(7, 0x100));      /* the pc itself */
	assert_int_equal(frames[1], FRAME(9, 0x1200 - 1)); /* inside the call */
	assert_int_equal(frames[2], JIT + 0x300 - 1);
	assert_int_equal(frames[3], FRAME(7, 0x400 - 1));
	assert_int_equal(fake.records[0].bytes, sizeof(struct stack_record) + 4 * sizeof(u64));
	assert_int_equal(host__counter(COUNTER_frames_user), 4);
	assert_int_equal(host__counter(COUNTER_frames_raw), 1);
	assert_int_equal(host__counter(COUNTER_end_root), 1);
}

/* A return address right behind a mapping's last call lies in that mapping. */
static void a_noreturn_call_at_the_end_of_a_mapping(void **state)
{
	const u64 callers[] = {CODE + SPAN};

	(void)state;
	host__push_frames(callers, 1);
	tick_hash();
	assert_int_equal(host__frames(0)[1], FRAME(7, SPAN - 1));
}

static void the_largest_file_id_and_address_fit(void **state)
{
	static const struct mapping_row row = {.start = CODE,
		.end = CODE + SPAN,
		.bias = CODE + 0x100 - FRAME_ADDR_MASK,
		.file_id = FRAME_FILE_ID_MAX};

	(void)state;
	host__publish(200, 3, 10, &row, 1);
	tick_hash();
	assert_int_equal(host__frames(0)[0], ~0ull);
}

static void kernel_frames_come_first(void **state)
{
	(void)state;
	memset(&host.ctx.regs, 0, sizeof(host.ctx.regs));
	host.ctx.regs.cs = 0x10;
	host.regs.cs = USER_CS_64BIT;
	host.regs.ip = CODE + 0x500;
	host.regs.sp = host.sp;
	fake.kernel_stack[0] = 0xffffffff81000010ull;
	fake.kernel_stack[1] = 0xffffffff81000120ull;
	fake.kernel_stack_cnt = 2;
	tick_hash();
	assert_int_equal(host__record(0)->kernel_cnt, 2);
	assert_int_equal(host__record(0)->user_cnt, 1);
	assert_int_equal(host__frames(0)[0], 0x7fffffff81000010ull);
	assert_int_equal(host__frames(0)[1], 0x7fffffff8100011full);
	assert_int_equal(host__frames(0)[2], FRAME(7, 0x500));
}

static void kernel_threads_have_no_user_part(void **state)
{
	(void)state;
	host.thread.flags = PF_KTHREAD;
	host.thread.mm = NULL;
	host.ctx.regs.cs = 0x10;
	fake.kernel_stack[0] = 0xffffffff81000010ull;
	fake.kernel_stack_cnt = 1;
	tick_hash();
	assert_int_equal(host__record(0)->user_cnt, 0);
	assert_int_equal(host__record(0)->kernel_cnt, 1);
	assert_int_equal(host__record(0)->end, STACK_END_KERNEL);
	assert_int_equal(host__counter(COUNTER_end_kernel), 1);
}

static void an_unreadable_kernel_stack_is_counted(void **state)
{
	(void)state;
	host.ctx.regs.cs = 0x10;
	host.regs.cs = USER_CS_64BIT;
	host.regs.ip = CODE + 0x500;
	fake.kernel_stack_cnt = -EFAULT;
	tick_hash();
	assert_int_equal(host__counter(COUNTER_kernel_stack_failed), 1);
	assert_int_equal(host__record(0)->kernel_cnt, 0);
	assert_int_equal(host__frames(0)[0], FRAME(7, 0x500));
}

static void a_deep_kernel_stack_leaves_room_for_the_user(void **state)
{
	u32 i;

	(void)state;
	host.ctx.regs.cs = 0x10;
	host.regs.cs = USER_CS_64BIT;
	host.regs.ip = CODE + 0x500;
	for (i = 0; i < 200; i++)
		fake.kernel_stack[i] = 0xffffffff81000000ull + i;
	fake.kernel_stack_cnt = 200;
	tick_hash();
	assert_int_equal(host__record(0)->kernel_cnt, KERNEL_FRAMES_MAX);
	assert_int_equal(host__record(0)->user_cnt, 1);
}

/* ---- ends ---- */

static void deep_recursion_ends_at_the_limit(void **state)
{
	static u64 callers[700];
	u32 i;

	(void)state;
	for (i = 0; i < 700; i++)
		callers[i] = CODE + 0x1000 + i;
	host__push_frames(callers, STACK_FRAMES_MAX - 1);
	tick_hash();
	assert_int_equal(host__record(0)->user_cnt, STACK_FRAMES_MAX);
	assert_int_equal(host__record(0)->end, STACK_END_ROOT);
	host__push_frames(callers, STACK_FRAMES_MAX);
	tick_hash();
	assert_int_equal(host__record(1)->user_cnt, STACK_FRAMES_MAX);
	assert_int_equal(host__record(1)->end, STACK_END_DEPTH);
	host__push_frames(callers, 700);
	tick_hash();
	assert_int_equal(host__record(1)->user_cnt, STACK_FRAMES_MAX);
	assert_int_equal(host__counter(COUNTER_end_depth), 2);
	assert_int_equal(fake.record_cnt, 2); /* the same 512 frames, the same end: one stack */
}

static void a_stack_page_that_is_not_resident(void **state)
{
	const u64 callers[] = {LIB + 0x200, CODE + 0x300};

	(void)state;
	host__push_frames(callers, 2);
	fake_user__protect(host.sp, false);
	tick_hash();
	assert_int_equal(host__record(0)->user_cnt, 1);
	assert_int_equal(host__record(0)->end, STACK_END_UNREADABLE);
}

static void frame_pointers_that_lead_astray(void **state)
{
	static const struct {
		s64 fp; /* from sp */
		u64 ret;
		u32 end;
		u32 cnt;
	} cases[] = {
		{0x11, CODE, STACK_END_BAD_FP, 1},               /* not aligned */
		{-0x10, CODE, STACK_END_BAD_FP, 1},              /* below the stack pointer */
		{0x10, 0, STACK_END_ROOT, 1},                    /* a null return address */
		{0x10, STACK + 0x2000, STACK_END_NO_MAPPING, 1}, /* returns to no code */
		{0x10, CODE - 0x10, STACK_END_NO_MAPPING, 1},
		{0x10, CODE, STACK_END_NO_MAPPING, 1}, /* its call would lie before the mapping */
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		u64 fp = host.sp + (u64)cases[i].fp;

		host__setup(state);
		fake_user__write_u64(fp, 0);
		fake_user__write_u64(fp + 8, cases[i].ret);
		host.ctx.regs.bp = fp;
		tick_hash();
		assert_int_equal(host__record(0)->end, cases[i].end);
		assert_int_equal(host__record(0)->user_cnt, cases[i].cnt);
	}
}

/* A frame that points at itself, and two that point at each other. */
static void loops_on_the_stack_end(void **state)
{
	u64 fp = host.sp + 0x10;

	(void)state;
	fake_user__write_u64(fp, fp);
	fake_user__write_u64(fp + 8, LIB + 0x100);
	host.ctx.regs.bp = fp;
	tick_hash();
	assert_int_equal(host__record(0)->user_cnt, 2);
	assert_int_equal(host__record(0)->end, STACK_END_BAD_FP);
	fake_user__write_u64(fp, fp + 0x20);
	fake_user__write_u64(fp + 0x20, fp);
	fake_user__write_u64(fp + 0x28, LIB + 0x200);
	tick_hash();
	assert_int_equal(host__record(1)->user_cnt, 3);
	assert_int_equal(host__record(1)->end, STACK_END_BAD_FP);
}

static void a_32_bit_task_has_its_leaf(void **state)
{
	(void)state;
	host.ctx.regs.cs = 0x23;
	host.ctx.regs.ip = 0x8049000;
	tick_hash();
	assert_int_equal(host__record(0)->user_cnt, 1);
	assert_int_equal(host__record(0)->raw_cnt, 1);
	assert_int_equal(host__record(0)->end, STACK_END_COMPAT);
	assert_int_equal(host__frames(0)[0], 0x8049000);
}

/* execve(2) gives up the old image in its midst; until it returns the registers are still the old one's. */
static void in_execve(void)
{
	host.ctx.regs.cs = 0x10;
	host.regs.cs = USER_CS_64BIT;
	host.regs.ip = CODE + 0x500;
	host.regs.sp = host.sp;
	host.regs.orig_ax = SYSCALL_EXECVE;
	fake.kernel_stack[0] = 0xffffffff81000010ull;
	fake.kernel_stack_cnt = 1;
}

static void before_execve_gives_up_the_image_the_stack_is_walked(void **state)
{
	(void)state;
	in_execve();
	tick_hash();
	assert_int_equal(host__record(0)->kernel_cnt, 1);
	assert_int_equal(host__record(0)->user_cnt, 1);
	assert_int_equal(host__frames(0)[1], FRAME(7, 0x500));
}

static void assert_no_user_part(void)
{
	tick_hash();
	assert_int_equal(host__record(0)->kernel_cnt, 1);
	assert_int_equal(host__record(0)->user_cnt, 0);
	assert_int_equal(host__record(0)->end, STACK_END_EXEC);
	assert_int_equal(host__counter(COUNTER_end_exec), 1);
}

static void afterwards_there_is_no_user_part(void **state)
{
	(void)state;
	in_execve();
	host.mm.start_stack = 0; /* of the new mm, until the end of load_elf_binary() */
	host.mm.end_code = 0;
	assert_no_user_part();
}

/* The daemon may have read these zeros from /proc/PID/stat, and mapped the new image's files. */
static void not_even_when_the_daemon_was_as_fast(void **state)
{
	static const struct mapping_row row = {
		.start = LIB, .end = LIB + SPAN, .bias = LIB_BIAS, .file_id = 9};

	(void)state;
	in_execve();
	host.mm.start_stack = 0;
	host.mm.end_code = 0;
	host__publish(200, 3, 30, &row, 1);
	assert_no_user_part();
}

static void nor_when_the_new_image_is_complete(void **state)
{
	static const struct mapping_row row = {
		.start = LIB, .end = LIB + SPAN, .bias = LIB_BIAS, .file_id = 9};

	(void)state;
	in_execve();
	host.mm.start_stack += 0x10000;
	host__publish(200, 3, 30, &row, 1);
	assert_no_user_part();
}

static void a_pc_with_the_marks_of_a_frame_stays_raw(void **state)
{
	(void)state;
	host.ctx.regs.ip = ~0ull; /* what a wild jump leaves, until the fault */
	tick_hash();
	assert_int_equal(host__frames(0)[0] & (FRAME_FILE | FRAME_KERNEL), 0);
}

/* ---- tables ---- */

static void a_file_without_table_is_asked_for_once(void **state)
{
	const struct unwind_request *request = (const struct unwind_request *)fake.records[0].data;
	struct unwind_file *file = fake_map__lookup(&unwind_files, &(u32){7}, 0);

	(void)state;
	file->state = UNWIND_NEW;
	tick_hash();
	tick_hash();
	assert_int_equal(fake.record_cnt, 2); /* the request, then the stack */
	assert_int_equal(fake.records[0].bytes, sizeof(struct unwind_request));
	assert_int_equal(request->file_id, 7);
	assert_int_equal(file->state, UNWIND_WANTED);
	assert_int_equal(host__record(1)->end, STACK_END_NO_TABLE);
	assert_int_equal(host__record(1)->user_cnt, 1);
}

static void a_request_that_found_the_ring_full_is_made_again(void **state)
{
	struct unwind_file *file = fake_map__lookup(&unwind_files, &(u32){7}, 0);

	(void)state;
	file->state = UNWIND_NEW;
	fake.ring_used = fake.ring_bytes;
	tick_hash();
	assert_int_equal(file->state, UNWIND_NEW);
	fake.ring_used = 0;
	tick_hash();
	assert_int_equal(file->state, UNWIND_WANTED);
}

/* ---- hashes ---- */

static void distinct_stacks_have_distinct_hashes(void **state)
{
	static u64 hashes[4096];
	u64 callers[3];
	u32 cnt = 0, i, j;

	(void)state;
	for (i = 0; i < 600; i++) {
		callers[0] = LIB + 0x100 + (i % 10);
		callers[1] = CODE + 0x100 + (i / 10 % 10);
		callers[2] = CODE + 0x100 + (i / 100);
		host__push_frames(callers, 3);
		fake.record_cnt = 0;
		fake.ring_used = 0;
		hashes[cnt++] = tick_hash();
		host__push_frames(callers, 2); /* a prefix */
		if (i < 100) {
			hashes[cnt++] = tick_hash();
		}
	}
	for (i = 0; i < cnt; i++)
		for (j = 0; j < i; j++)
			assert_int_not_equal(hashes[i], hashes[j]);
}

static void order_split_and_end_are_in_the_hash(void **state)
{
	const u64 forth[] = {LIB + 0x200, CODE + 0x300}, back[] = {CODE + 0x300, LIB + 0x200};
	u64 a, b, c;

	(void)state;
	host__push_frames(forth, 2);
	a = tick_hash();
	host__push_frames(back, 2);
	b = tick_hash();
	host__push_frames(forth, 2);
	fake_user__write_u64(
		host.sp + 0x30, 1); /* the last frame's caller is not the root any more */
	c = tick_hash();
	assert_int_not_equal(a, b);
	assert_int_not_equal(a, c);
	assert_int_equal(host__record(2)->end, STACK_END_BAD_FP);
}

static void hashes_differ_from_run_to_run(void **state)
{
	u64 a = tick_hash();

	(void)state;
	host.options.hash_seed++;
	host__set_options();
	assert_int_not_equal(a, tick_hash());
}

/* Raw addresses mean something in one image of one process; those of files the same everywhere. */
static void raw_stacks_are_hashed_with_their_process(void **state)
{
	u64 file_hash = tick_hash(), raw_hash;
	u32 pid = 300, slice_index = 3;

	(void)state;
	host.ctx.regs.ip = JIT + 0x100;
	raw_hash = tick_hash();
	bpf_map_update_elem(&process_slices, &pid, &slice_index, BPF_ANY);
	host.leader.tgid = host.thread.tgid = 300;
	assert_int_not_equal(tick_hash(), raw_hash);
	host.leader.tgid = host.thread.tgid = 200;
	host.leader.start_boottime++; /* the pid's next owner */
	assert_int_not_equal(tick_hash(), raw_hash);
	host.leader.start_boottime--;
	host.mm.start_stack += 16; /* after an exec */
	slice()->start_stack += 16;
	assert_int_not_equal(tick_hash(), raw_hash);
	host.ctx.regs.ip = CODE + 0x100;
	assert_int_equal(tick_hash(), file_hash);
	host.leader.start_boottime += 500;
	assert_int_equal(tick_hash(), file_hash);
}

/* ---- sending ---- */

static void a_stack_is_sent_once(void **state)
{
	u64 hash = tick_hash();
	u32 i;

	(void)state;
	for (i = 0; i < 10; i++)
		assert_int_equal(tick_hash(), hash);
	assert_int_equal(fake.record_cnt, 1);
	assert_int_equal(host__counter(COUNTER_stacks_shipped), 1);
}

static void a_full_ring_marks_nothing_and_sends_later(void **state)
{
	u64 hash;

	(void)state;
	fake.ring_used = fake.ring_bytes - 32;
	hash = tick_hash();
	assert_int_not_equal(hash, 0); /* the sample is counted under its stack all the same */
	assert_int_equal(host__counter(COUNTER_stack_ring_full), 1);
	assert_int_equal(host__counter(COUNTER_stacks_shipped), 0);
	assert_null(fake_map__lookup(&stacks_shipped, &hash, 0));
	fake.ring_used = 0;
	assert_int_equal(tick_hash(), hash);
	assert_int_equal(fake.record_cnt, 1);
	assert_int_equal(host__record(0)->hash, hash);
	assert_non_null(fake_map__lookup(&stacks_shipped, &hash, 0));
}

static void a_stack_that_could_not_be_marked_is_counted_and_sent_again(void **state)
{
	(void)state;
	fake_map__find(&stacks_shipped)->fails = true;
	tick_hash();
	tick_hash();
	assert_int_equal(fake.record_cnt, 2);
	assert_int_equal(host__counter(COUNTER_stack_mark_failed), 2);
}

static void a_forgotten_mark_sends_the_stack_again(void **state)
{
	u64 hash = tick_hash();
	u32 i;

	(void)state;
	for (i = 0; i < 64; i++) { /* 64 other stacks push it out */
		host.ctx.regs.ip = CODE + 0x1000 + i;
		tick_hash();
	}
	host.ctx.regs.ip = CODE + 0x100;
	assert_int_equal(tick_hash(), hash);
	assert_int_equal(fake.record_cnt, 66);
	assert_int_equal(host__record(65)->hash, hash);
}

static void the_daemon_is_woken_when_the_ring_is_half_full(void **state)
{
	(void)state;
	tick_hash();
	assert_int_equal(fake.records[0].flags, BPF_RB_NO_WAKEUP);
	fake.ring_used = fake.ring_bytes / 2 + 8;
	host.ctx.regs.ip++;
	tick_hash();
	assert_int_equal(fake.records[1].flags, BPF_RB_FORCE_WAKEUP);
}

/* What an earlier walk left in the scratch buffer is in no record. */
static void scratch_is_not_remembered(void **state)
{
	u64 callers[40], clean, i;

	(void)state;
	clean = tick_hash();
	for (i = 0; i < 40; i++)
		callers[i] = JIT + 0x100 + i;
	host__push_frames(callers, 40);
	tick_hash();
	host.ctx.regs.bp = 0;
	assert_int_equal(tick_hash(), clean);
	host.ctx.regs.ip += 4;
	tick_hash();
	assert_int_equal(host__record(2)->raw_cnt, 0);
	assert_int_equal(host__record(2)->user_cnt, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(search_finds_every_boundary, host__setup),
		cmocka_unit_test_setup(search_in_as_many_rows_as_a_process_may_have, host__setup),
		cmocka_unit_test_setup(search_in_all_65536_rows, host__setup),
		cmocka_unit_test_setup(search_remembers_the_row_but_not_beyond_it, host__setup),
		cmocka_unit_test_setup(a_slice_of_another_image_is_not_used, host__setup),
		cmocka_unit_test_setup(a_slice_being_written_is_not_used, host__setup),
		cmocka_unit_test_setup(an_unknown_process_has_raw_leaves, host__setup),
		cmocka_unit_test_setup(a_child_just_forked_has_its_parents_mappings, host__setup),
		cmocka_unit_test_setup(
			a_slice_rewritten_at_any_point_gives_one_or_the_other, host__setup),
		cmocka_unit_test_setup(frames_are_file_and_elf_address, host__setup),
		cmocka_unit_test_setup(a_noreturn_call_at_the_end_of_a_mapping, host__setup),
		cmocka_unit_test_setup(the_largest_file_id_and_address_fit, host__setup),
		cmocka_unit_test_setup(kernel_frames_come_first, host__setup),
		cmocka_unit_test_setup(kernel_threads_have_no_user_part, host__setup),
		cmocka_unit_test_setup(an_unreadable_kernel_stack_is_counted, host__setup),
		cmocka_unit_test_setup(a_deep_kernel_stack_leaves_room_for_the_user, host__setup),
		cmocka_unit_test_setup(deep_recursion_ends_at_the_limit, host__setup),
		cmocka_unit_test_setup(a_stack_page_that_is_not_resident, host__setup),
		cmocka_unit_test_setup(frame_pointers_that_lead_astray, host__setup),
		cmocka_unit_test_setup(loops_on_the_stack_end, host__setup),
		cmocka_unit_test_setup(a_32_bit_task_has_its_leaf, host__setup),
		cmocka_unit_test_setup(
			before_execve_gives_up_the_image_the_stack_is_walked, host__setup),
		cmocka_unit_test_setup(afterwards_there_is_no_user_part, host__setup),
		cmocka_unit_test_setup(not_even_when_the_daemon_was_as_fast, host__setup),
		cmocka_unit_test_setup(nor_when_the_new_image_is_complete, host__setup),
		cmocka_unit_test_setup(a_pc_with_the_marks_of_a_frame_stays_raw, host__setup),
		cmocka_unit_test_setup(a_file_without_table_is_asked_for_once, host__setup),
		cmocka_unit_test_setup(
			a_request_that_found_the_ring_full_is_made_again, host__setup),
		cmocka_unit_test_setup(distinct_stacks_have_distinct_hashes, host__setup),
		cmocka_unit_test_setup(order_split_and_end_are_in_the_hash, host__setup),
		cmocka_unit_test_setup(hashes_differ_from_run_to_run, host__setup),
		cmocka_unit_test_setup(raw_stacks_are_hashed_with_their_process, host__setup),
		cmocka_unit_test_setup(a_stack_is_sent_once, host__setup),
		cmocka_unit_test_setup(a_full_ring_marks_nothing_and_sends_later, host__setup),
		cmocka_unit_test_setup(
			a_stack_that_could_not_be_marked_is_counted_and_sent_again, host__setup),
		cmocka_unit_test_setup(a_forgotten_mark_sends_the_stack_again, host__setup),
		cmocka_unit_test_setup(the_daemon_is_woken_when_the_ring_is_half_full, host__setup),
		cmocka_unit_test_setup(scratch_is_not_remembered, host__setup),
	};

	return cmocka_run_group_tests_name("bpf_walk", tests, NULL, NULL);
}
