// SPDX-License-Identifier: GPL-2.0
/* Page faults: what each counts, huge pages, and that totals stay right when not every stack is taken. */
#include "fake_bpf.h"

/* As libbpf's macro has it, which hands the context on. */
#undef BPF_PROG
#define BPF_PROG(name, ...) name(void *ctx, __VA_ARGS__)

#include "../../bpf/faults.bpf.c"
#include "walk_host.h"

/* What the kernel has by this name. */
__asm__(".pushsection .data\n"
	".globl do_huge_pmd_anonymous_page\n"
	"do_huge_pmd_anonymous_page: .space 8\n"
	".popsection");

#define CODE       0x555500000000ull
#define STACK      0x7ffd00001000ull
#define HUGE_ORDER 9u
#define HUGE_BYTES (4096u << HUGE_ORDER)
#define WINDOW_NS  (1ull << BUDGET_WINDOW_SHIFT)

static struct {
	struct prog_options options;
	struct faults_options faults;
	struct mm_struct mm;
	struct signal_struct signal;
	struct task_struct task;
	struct pt_regs regs;
	struct bpf_perf_event_data ctx;
} host;

static int setup(void **state)
{
	(void)state;
	fake__reset();
	memset(&host, 0, sizeof(host));
	walk_host__add_maps(16);
	FAKE_MAP_SIZED(faults_samples_0, 8);
	FAKE_MAP_SIZED(faults_samples_1, 8);
	FAKE_MAP_SIZED(faults_lost, 4);
	FAKE_MAP(fault_budgets);
	fake_map__add(
		&fault_huges, BPF_MAP_TYPE_HASH, 16, sizeof(void *), sizeof(struct fault_huge));
	host.options.hash_seed = 7;
	host.options.all_processes = 1;
	host.options.cpu_cnt = FAKE_CPUS;
	fake__set_const(&options, &host.options, sizeof(host.options));
	host.faults = (struct faults_options){.page_bytes = 4096, .huge_order = HUGE_ORDER};
	fake__set_const(&faults_options, &host.faults, sizeof(host.faults));
	host.task.pid = host.task.tgid = 200;
	host.task.group_leader = host.task.real_parent = &host.task;
	host.task.mm = &host.mm;
	host.task.signal = &host.signal;
	strcpy(host.task.comm, "toucher");
	fake.task = &host.task;
	fake.task_regs = &host.regs;
	fake.now_ns = 1000 * WINDOW_NS;
	fake.random_state = 99;
	host.ctx.regs.cs = USER_CS_64BIT;
	host.ctx.regs.ip = CODE + 0x100;
	host.ctx.regs.sp = STACK;
	host.ctx.sample_period = 1;
	return 0;
}

static void touch(u64 addr)
{
	host.ctx.addr = addr;
	fault_minor(&host.ctx);
}

static struct sample_value total(u32 tag, u32 *ret_keys)
{
	struct fake_map *map = fake_map__find(&faults_samples_0);
	struct sample_value sum = {0};
	u32 i;

	*ret_keys = 0;
	for (i = 0; i < map->max_entries; i++) {
		struct sample_value *value = (struct sample_value *)(map->values +
								     (size_t)i * map->stride);

		if (!map->order[i] ||
			((struct sample_key *)(map->keys + (size_t)i * map->key_size))->tag != tag)
			continue;
		++*ret_keys;
		sum.count += value->count;
		sum.value += value->value;
	}
	return sum;
}

static u64 counter(enum counter which)
{
	u32 zero = 0, cpu;
	u64 sum = 0;

	for (cpu = 0; cpu < FAKE_CPUS; cpu++)
		sum += ((struct counter_values *)fake_map__lookup(&counters, &zero, cpu))
			       ->cnt[which];
	return sum;
}

static void each_fault_is_a_page(void **state)
{
	struct sample_value sum;
	u32 keys;

	(void)state;
	touch(0x10000);
	touch(0x11000);
	host.ctx.addr = 0x12000;
	fault_major(&host.ctx);
	sum = total(FAULT_MINOR, &keys);
	assert_int_equal(keys, 1);
	assert_int_equal(sum.count, 2);
	assert_int_equal(sum.value, 2 * 4096);
	sum = total(FAULT_MAJOR, &keys);
	assert_int_equal(sum.count, 1);
	assert_int_equal(sum.value, 4096);
	assert_int_equal(counter(COUNTER_faults), 3);
	assert_int_equal(counter(COUNTER_fault_stacks), 3);
}

static void others_are_not_counted(void **state)
{
	u32 pid = 200, one = 1, keys;

	(void)state;
	host.options.all_processes = 0;
	fake__set_const(&options, &host.options, sizeof(host.options));
	touch(0x10000);
	assert_int_equal(total(FAULT_MINOR, &keys).count, 0);
	assert_int_equal(counter(COUNTER_faults), 0);
	bpf_map_update_elem(&targets, &pid, &one, BPF_ANY);
	touch(0x10000);
	assert_int_equal(total(FAULT_MINOR, &keys).count, 1);
}

static void a_huge_page_is_as_large_as_it_is(void **state)
{
	u64 code = (u64)&do_huge_pmd_anonymous_page;
	u32 keys;

	(void)state;
	fake.kernel_stack[0] = 0xffffffff81000000ull;
	fake.kernel_stack[1] = code + 0x100;
	fake.kernel_stack_cnt = 2;
	fault_page_alloc(&host, &host, HUGE_ORDER);
	touch(0x10000);
	assert_int_equal(total(FAULT_MINOR, &keys).value, HUGE_BYTES);
	assert_int_equal(total(FAULT_MINOR, &keys).count, 1);
	touch(0x11000); /* once */
	assert_int_equal(total(FAULT_MINOR, &keys).value, HUGE_BYTES + 4096);
	/* of another size; for something else; none was given */
	fault_page_alloc(&host, &host, 0);
	touch(0x12000);
	fake.kernel_stack[1] = code + HUGE_CODE_BYTES;
	fault_page_alloc(&host, &host, HUGE_ORDER);
	touch(0x13000);
	fake.kernel_stack[1] = code;
	fault_page_alloc(&host, NULL, HUGE_ORDER);
	touch(0x14000);
	fake.kernel_stack_cnt = -EFAULT;
	fault_page_alloc(&host, &host, HUGE_ORDER);
	touch(0x15000);
	assert_int_equal(total(FAULT_MINOR, &keys).value, HUGE_BYTES + 5 * 4096);
}

/* cnt faults with so many in a window. */
static void burst(u64 cnt, u64 a_window)
{
	u64 i;

	for (i = 0; i < cnt; i++) {
		touch(0x10000 + i * 4096);
		fake.now_ns += WINDOW_NS / a_window;
	}
}

static void few_faults_are_counted_exactly(void **state)
{
	u32 keys;

	(void)state;
	burst(20 * (BUDGET_STACKS - 16), BUDGET_STACKS - 16);
	assert_int_equal(total(FAULT_MINOR, &keys).count, 20 * (BUDGET_STACKS - 16));
	assert_int_equal(counter(COUNTER_fault_stacks), 20 * (BUDGET_STACKS - 16));
}

static void many_faults_are_sampled_without_bias(void **state)
{
	const u64 cnt = 400000;
	u32 keys;
	u64 got;

	(void)state;
	burst(cnt, 40000);
	got = total(FAULT_MINOR, &keys).count;
	print_message("%llu faults, %llu stacks, estimated %.4f of them\n", (unsigned long long)cnt,
		(unsigned long long)counter(COUNTER_fault_stacks), (double)got / (double)cnt);
	assert_in_range(got, cnt * 95 / 100, cnt * 105 / 100);
	assert_int_equal(total(FAULT_MINOR, &keys).value, 4096 * got);
	assert_int_equal(counter(COUNTER_faults), cnt);
	assert_in_range(counter(COUNTER_fault_stacks), 1000, 10 * 2 * BUDGET_STACKS);
	/* when it is over each counts again */
	fake.now_ns += 100 * WINDOW_NS;
	burst(100, 100);
	assert_int_equal(total(FAULT_MINOR, &keys).count, got + 100);
}

static void a_fault_without_room_for_its_stack_is_counted(void **state)
{
	u32 level, keys;

	(void)state;
	for (level = 0; level < SCRATCH_LEVELS; level++)
		((struct scratch *)fake_map__lookup(&scratches, &level, 0))->busy = 1;
	touch(0x10000);
	assert_int_equal(total(FAULT_MINOR, &keys).count, 1);
	assert_int_equal(counter(COUNTER_samples_no_scratch), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(each_fault_is_a_page, setup),
		cmocka_unit_test_setup(others_are_not_counted, setup),
		cmocka_unit_test_setup(a_huge_page_is_as_large_as_it_is, setup),
		cmocka_unit_test_setup(few_faults_are_counted_exactly, setup),
		cmocka_unit_test_setup(many_faults_are_sampled_without_bias, setup),
		cmocka_unit_test_setup(a_fault_without_room_for_its_stack_is_counted, setup),
	};

	return cmocka_run_group_tests_name("bpf_faults", tests, NULL, NULL);
}
