// SPDX-License-Identifier: GPL-2.0
/* The heap's probes: what a call counts, whatever comes of it, and what is lost how. */
#include "heap_host.h"

#define BLOCK 0x10000ull

static void what_is_allocated_and_freed(void **state)
{
	(void)state;
	host__malloc(100, BLOCK);
	assert_heap(PROCESS, 1, 100, 0, 0);
	host__malloc(0, BLOCK + 0x100);
	assert_heap(PROCESS, 2, 100, 0, 0);
	host__free(BLOCK);
	assert_heap(PROCESS, 2, 100, 1, 100);
	host__free(BLOCK + 0x100);
	assert_heap(PROCESS, 2, 100, 2, 100);
	assert_int_equal(host__hits(PROCESS)->allocs, 2);
	assert_int_equal(host__hits(PROCESS)->frees, 2);
	assert_int_equal(host__hits(PROCESS)->bytes, 100);
	assert_int_equal(host__counter(COUNTER_heap_samples), 2);
	assert_int_equal(host__site_cnt(), 1); /* one stack */
	host.regs.ip += 0x10;
	host__malloc(7, BLOCK);
	assert_int_equal(host__site_cnt(), 2);
}

static void what_is_none(void **state)
{
	(void)state;
	host__free(0);
	assert_int_equal(host__hits(PROCESS)->frees, 0);
	host__free(BLOCK); /* from before the attach */
	assert_int_equal(host__counter(COUNTER_heap_free_unknown), 1);
	host__malloc(100, 0);
	assert_int_equal(host__counter(COUNTER_heap_failed), 1);
	/* calloc whose product overflows fails by itself */
	assert_int_equal(host__enter(HEAP_CALLOC, false, 1ull << 33, 1ull << 33, 0), SKIP_RETURN);
	assert_int_equal(host__enter(HEAP_MALLOC, false, ~0ull, 0, 0), SKIP_RETURN);
	assert_heap(PROCESS, 0, 0, 0, 0);
	assert_int_equal(host__hits(PROCESS)->bytes, 100);
}

static void each_function_has_its_size(void **state)
{
	static const struct {
		enum heap_function function;
		u64 args[3];
		u64 bytes;
	} cases[] = {
		{HEAP_MALLOC, {100, 7, 7}, 100},
		{HEAP_CALLOC, {30, 100, 7}, 3000},
		{HEAP_CALLOC, {0, 100, 7}, 0},
		{HEAP_REALLOC, {0, 50, 7}, 50},
		{HEAP_REALLOCARRAY, {0, 10, 20}, 200},
		{HEAP_ALIGNED, {64, 300, 7}, 300},
		{HEAP_PVALLOC, {1, 7, 7}, 4096},
		{HEAP_PVALLOC, {4097, 7, 7}, 8192},
	};
	u64 before, result = BLOCK;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		before = host__sum(PROCESS, HEAP_ALLOC_BYTES);
		assert_int_equal(host__enter(cases[i].function, false, cases[i].args[0],
					 cases[i].args[1], cases[i].args[2]),
			WANT_RETURN);
		host__return(cases[i].function, false, STACK, result += 0x100);
		assert_int_equal(host__sum(PROCESS, HEAP_ALLOC_BYTES) - before, cases[i].bytes);
	}
}

static void posix_memalign_returns_by_its_argument(void **state)
{
	u64 result_at = STACK + 0x400;

	(void)state;
	fake_user__write_u64(result_at, BLOCK);
	host__enter(HEAP_POSIX_MEMALIGN, false, result_at, 64, 5000);
	host__return(HEAP_POSIX_MEMALIGN, false, STACK, 0);
	assert_heap(PROCESS, 1, 5000, 0, 0);
	host__enter(HEAP_POSIX_MEMALIGN, false, result_at, 3, 5000);
	host__return(HEAP_POSIX_MEMALIGN, false, STACK, EINVAL);
	assert_heap(PROCESS, 1, 5000, 0, 0);
	host__free(BLOCK);
	assert_heap(PROCESS, 1, 5000, 1, 5000);
}

static void realloc_frees_and_allocates(void **state)
{
	(void)state;
	host__malloc(100, BLOCK);
	host__realloc(BLOCK, 250, BLOCK + 0x1000);
	assert_heap(PROCESS, 2, 350, 1, 100);
	host__realloc(BLOCK + 0x1000, 300, BLOCK + 0x1000); /* in place */
	assert_heap(PROCESS, 3, 650, 2, 350);
	host__realloc(BLOCK + 0x1000, 1ull << 40, 0); /* fails: it stays */
	assert_heap(PROCESS, 3, 650, 2, 350);
	host__realloc(BLOCK + 0x1000, 0, 0); /* a free */
	assert_heap(PROCESS, 3, 650, 3, 650);
	assert_int_equal(host__counter(COUNTER_heap_free_unknown), 0);
}

static void a_function_that_another_one_calls_is_not_counted(void **state)
{
	u64 outer = host.regs.sp;

	(void)state;
	assert_int_equal(host__enter(HEAP_ALIGNED, true, 64, 300, 0), WANT_RETURN);
	host.regs.sp = outer - 0x40;
	assert_int_equal(host__enter(HEAP_MALLOC, false, 364, 0, 0), SKIP_RETURN);
	host.regs.sp = outer; /* a tail call has its caller's */
	assert_int_equal(host__enter(HEAP_MALLOC, false, 364, 0, 0), SKIP_RETURN);
	host__return(HEAP_ALIGNED, true, outer, BLOCK);
	assert_heap(PROCESS, 1, 300, 0, 0);
	assert_int_equal(host__counter(COUNTER_heap_nested), 2);
	host__malloc(10, BLOCK + 0x1000);
	assert_heap(PROCESS, 2, 310, 0, 0);
	/* left by longjmp(3): a call from further out is none of its */
	host__enter(HEAP_ALIGNED, true, 64, 300, 0);
	host.regs.sp = outer + 0x40;
	host__malloc(20, BLOCK + 0x2000);
	assert_heap(PROCESS, 3, 330, 0, 0);
}

static void a_handler_allocates_over_an_allocation(void **state)
{
	u64 outer = host.regs.sp;

	(void)state;
	host__enter(HEAP_MALLOC, false, 100, 0, 0);
	host.regs.sp = outer - 0x400;
	host__malloc(30, BLOCK + 0x1000);
	assert_heap(PROCESS, 1, 30, 0, 0);
	host.regs.sp = outer;
	host__return(HEAP_MALLOC, false, outer, BLOCK);
	assert_heap(PROCESS, 2, 130, 0, 0);
	assert_int_equal(host__counter(COUNTER_heap_no_return), 0);
}

static void calls_that_never_return_are_counted(void **state)
{
	u64 outer = host.regs.sp;
	u32 i;

	(void)state;
	host__enter(HEAP_MALLOC, false, 100, 0, 0);
	for (i = 1; i <= 2; i++) { /* left by longjmp(3) */
		host.regs.sp = outer - 0x100 * i;
		host__enter(HEAP_MALLOC, false, 10, 0, 0);
	}
	host.regs.sp = outer;
	host__return(HEAP_MALLOC, false, outer, BLOCK);
	assert_heap(PROCESS, 1, 100, 0, 0);
	assert_int_equal(host__counter(COUNTER_heap_no_return), 2);
	/* a return of which nothing is known */
	host__return(HEAP_MALLOC, false, outer - 0x800, BLOCK + 0x1000);
	assert_heap(PROCESS, 1, 100, 0, 0);
	for (i = 0; i < 3 * PENDING_MAX; i++) {
		host.regs.sp = outer - 0x100 * i;
		host__enter(HEAP_MALLOC, false, 10, 0, 0);
	}
	assert_int_equal(host__counter(COUNTER_heap_no_return), 2 + 2 * PENDING_MAX);
}

static void an_address_that_is_given_again_was_freed(void **state)
{
	(void)state;
	host__malloc(100, BLOCK);
	host__malloc(30, BLOCK); /* its free was not seen */
	assert_heap(PROCESS, 2, 130, 1, 100);
	assert_int_equal(host__counter(COUNTER_heap_reused), 1);
}

static void processes_share_no_address(void **state)
{
	(void)state;
	host__malloc(100, BLOCK);
	host.process = PROCESS + 1;
	host.leader.tgid = host.thread.tgid = 300;
	host__malloc(7, BLOCK);
	host__free(BLOCK);
	assert_heap(PROCESS + 1, 1, 7, 1, 7);
	assert_heap(PROCESS, 1, 100, 0, 0);
	host__free(BLOCK);
	assert_int_equal(host__counter(COUNTER_heap_free_unknown), 1);
}

static void what_finds_no_room_is_counted(void **state)
{
	u32 i;

	(void)state;
	host__set_tables(1, 64); /* one bucket */
	for (i = 0; i < HEAP_WAYS + 3; i++)
		host__malloc(10, BLOCK + 0x10 * i);
	assert_heap(PROCESS, HEAP_WAYS + 3, 10 * (HEAP_WAYS + 3), 3, 30);
	assert_int_equal(host__counter(COUNTER_heap_live_full), 3);
	for (i = 0; i < HEAP_WAYS + 3; i++)
		host__free(BLOCK + 0x10 * i);
	assert_heap(
		PROCESS, HEAP_WAYS + 3, 10 * (HEAP_WAYS + 3), HEAP_WAYS + 3, 10 * (HEAP_WAYS + 3));
}

static void stacks_without_room_are_one(void **state)
{
	u32 i;

	(void)state;
	host__set_tables(64, 2);
	for (i = 0; i < 5; i++) {
		host.regs.ip = CODE + 0x100 + i;
		host__malloc(10, BLOCK + 0x10 * i);
	}
	assert_int_equal(host__site_cnt(), 2);
	assert_int_equal(host__counter(COUNTER_heap_sites_full), 3);
	assert_heap(PROCESS, 5, 50, 0, 0);
	for (i = 0; i < 5; i++)
		host__free(BLOCK + 0x10 * i);
	assert_heap(PROCESS, 5, 50, 5, 50);
}

/* ---- sampling ---- */

static void intervals_have_their_mean(void **state)
{
	double sum = 0, squares = 0;
	int i, cnt = 200000;

	(void)state;
	host__set_rate(524288);
	for (i = 0; i < cnt; i++) {
		double interval = (double)sample__interval();

		sum += interval;
		squares += interval * interval;
	}
	print_message("mean %.0f, deviation %.0f\n", sum / cnt,
		sqrt(squares / cnt - sum / cnt * sum / cnt));
	/* exponential: both are the rate; three standard errors are 0.7 % */
	assert_true(fabs(sum / cnt / 524288 - 1) < 0.01);
	assert_true(fabs(sqrt(squares / cnt - sum / cnt * sum / cnt) / 524288 - 1) < 0.02);
}

static void unsampled_calls_have_no_return(void **state)
{
	struct heap_thread *thread;
	struct task_struct *task = &host.thread;

	(void)state;
	host__set_rate(524288);
	host__malloc(1, BLOCK);
	thread = fake_map__lookup(&heap_threads, &task, 0);
	thread->left_bytes = 1000;
	assert_int_equal(host__enter(HEAP_MALLOC, false, 1000, 0, 0), SKIP_RETURN);
	assert_int_equal(thread->left_bytes, 0);
	assert_int_equal(host__enter(HEAP_MALLOC, false, 1, 0, 0), WANT_RETURN);
	assert_true(thread->left_bytes > 0);
	/* free(NULL) and frees of what was not sampled are nothing, and not unknown either */
	host__free(BLOCK + 0x5000);
	assert_int_equal(host__counter(COUNTER_heap_free_unknown), 0);
}

/* What is estimated of 32 MiB in blocks of each size, and that all of it goes when they are freed. */
static void estimates_are_right_and_go_to_nothing(void **state)
{
	static const u64 sizes[] = {64, 1000, 8192, 50000};
	u64 size, cnt, i, bytes;
	size_t k;

	(void)state;
	for (k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
		host__setup(state);
		host__set_rate(8192);
		size = sizes[k];
		cnt = (32ull << 20) / size;
		for (i = 0; i < cnt; i++) {
			host__malloc(size, BLOCK);
			host__free(BLOCK);
		}
		bytes = host__sum(PROCESS, HEAP_ALLOC_BYTES);
		print_message("%llu B: %.3f of what was allocated\n", (unsigned long long)size,
			(double)bytes / (double)(size * cnt));
		/* of 4,000 samples at the least: 5 standard errors */
		assert_true(fabs((double)bytes / (double)(size * cnt) - 1) < 0.08);
		assert_int_equal(host__sum(PROCESS, HEAP_FREE_BYTES), bytes);
		assert_int_equal(host__sum(PROCESS, HEAP_FREE_OBJECTS),
			host__sum(PROCESS, HEAP_ALLOC_OBJECTS));
		assert_int_equal(host__in_use(PROCESS), 0);
	}
}

static void thinned_out_each_stands_for_more(void **state)
{
	u32 index = PROCESS;
	struct heap_process *process = fake_map__lookup(&heap_processes, &index, 0);

	(void)state;
	process->thin = 2;
	host__malloc(100, BLOCK);
	assert_heap(PROCESS, 4, 400, 0, 0);
	process->thin = 0; /* its free takes away what it added all the same */
	host__free(BLOCK);
	assert_heap(PROCESS, 4, 400, 4, 400);
}

/* ---- what the process samples by itself ---- */

#define USDT 5u

static u64 usdt_cookie(void)
{
	return (u64)PROCESS << HEAP_COOKIE_PROCESS_SHIFT | (u64)USDT << HEAP_COOKIE_USDT_SHIFT;
}

/* Address in rdi, size below the frame pointer, weight in ebx. */
static void usdt_setup(void)
{
	static const struct usdt_arguments arguments = {{
		{.kind = USDT_REGISTER, .reg = 5, .index = USDT_NO_REGISTER, .bytes = 8},
		{.kind = USDT_MEMORY, .reg = 6, .index = 2, .scale = 8, .bytes = 4, .offset = -16},
		{.kind = USDT_REGISTER, .reg = 3, .index = USDT_NO_REGISTER, .bytes = 8},
	}};
	u32 index = USDT;

	bpf_map_update_elem(&heap_usdts, &index, &arguments, BPF_ANY);
	host.regs.bp = STACK + 0x200;
	host.regs.cx = 3;
}

static void usdt_alloc(u64 addr, u32 size, u64 weight)
{
	u32 words[2] = {size, 0xdeadbeef}; /* of which four bytes are the size */

	fake_user__write(STACK + 0x200 + 3 * 8 - 16, words, sizeof(words));
	fake.cookie = usdt_cookie();
	host.regs.di = addr;
	host.regs.bx = weight;
	heap_usdt_alloc(&host.regs);
}

static void usdt_free(u64 addr)
{
	fake.cookie = usdt_cookie();
	host.regs.di = addr;
	heap_usdt_free(&host.regs);
}

static void a_process_samples_by_itself(void **state)
{
	struct heap_process *process;
	u32 index = PROCESS;

	(void)state;
	usdt_setup();
	usdt_alloc(BLOCK, 1024, 524288);
	assert_heap(PROCESS, 512, 524288, 0, 0);
	usdt_alloc(BLOCK + 0x1000, 1 << 20, 1 << 20);
	assert_heap(PROCESS, 513, 524288 + (1 << 20), 0, 0);
	usdt_free(BLOCK + 0x2000); /* not known */
	usdt_free(BLOCK);
	assert_heap(PROCESS, 513, 524288 + (1 << 20), 512, 524288);
	usdt_free(BLOCK);
	assert_heap(PROCESS, 513, 524288 + (1 << 20), 512, 524288);
	usdt_alloc(BLOCK + 0x1000, 2048, 4096); /* its free was not seen */
	assert_heap(PROCESS, 515, 524288 + (1 << 20) + 4096, 513, 524288 + (1 << 20));
	assert_int_equal(host__counter(COUNTER_heap_reused), 1);
	process = fake_map__lookup(&heap_processes, &index, 0);
	assert_int_equal(process->usdt_allocs >> HEAP_OBJECT_SHIFT, 515);
	assert_int_equal(process->usdt_bytes, 524288 + (1 << 20) + 4096);
	assert_int_equal(process->usdt_frees >> HEAP_OBJECT_SHIFT, 513);
	assert_int_equal(host__hits(PROCESS)->allocs, 0);
	assert_int_equal(host__hits(PROCESS)->usdt_allocs, 3);
	assert_int_equal(host__hits(PROCESS)->usdt_frees, 3);
}

static void what_a_process_says_of_itself_is_bounded(void **state)
{
	static const struct {
		u64 addr;
		u32 size;
		u64 weight;
	} cases[] = {{BLOCK, 0, ~0ull}, {BLOCK, 0, 0}, {BLOCK, ~0u, ~0ull}, {~0ull, 1, 1ull << 63},
		{BLOCK, 1, HEAP_SIZE_MAX}};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		host__setup(state);
		usdt_setup();
		usdt_alloc(cases[i].addr, cases[i].size, cases[i].weight);
		assert_in_range(host__in_use(PROCESS), 0, HEAP_SIZE_MAX);
		usdt_free(cases[i].addr);
		assert_int_equal(host__in_use(PROCESS), 0);
		assert_int_equal(host__sum(PROCESS, HEAP_ALLOC_OBJECTS),
			host__sum(PROCESS, HEAP_FREE_OBJECTS));
		assert_int_equal(
			host__sum(PROCESS, HEAP_ALLOC_BYTES), host__sum(PROCESS, HEAP_FREE_BYTES));
	}
	/* no address, and memory that cannot be read */
	usdt_alloc(0, 1, 1);
	host.regs.bp = 1;
	fake.cookie = usdt_cookie();
	host.regs.di = BLOCK;
	host.regs.bx = 77;
	heap_usdt_alloc(&host.regs);
	assert_int_equal(host__in_use(PROCESS), 77);
}

static void what_finds_no_room_here_is_counted_too(void **state)
{
	u32 i;

	(void)state;
	host__set_tables(1, 64); /* for 4: each has two entries */
	usdt_setup();
	for (i = 0; i < 7; i++)
		usdt_alloc(BLOCK + 0x10 * i, 10, 1000);
	assert_int_equal(host__counter(COUNTER_heap_live_full), 3);
	assert_int_equal(host__in_use(PROCESS), 4000);
	for (i = 0; i < 7; i++)
		usdt_free(BLOCK + 0x10 * i);
	assert_heap(PROCESS, 700, 7000, 700, 7000);
	host__malloc(10, BLOCK); /* nothing of it is left */
	assert_int_equal(host__counter(COUNTER_heap_live_full), 3);
}

/* ---- two CPUs ---- */

static void free_elsewhere(void)
{
	static struct task_struct other;
	struct pt_regs before = host.regs;
	u64 cookie = fake.cookie;
	bool is_return = host.is_return;

	other = host.thread;
	other.pid = 202;
	fake.task = &other;
	fake.cpu = 1;
	host__free(BLOCK + 0x8000);
	host__malloc(33, BLOCK + 0x9000);
	fake.task = &host.thread;
	fake.cpu = 0;
	host.regs = before;
	host.is_return = is_return;
	fake.cookie = cookie;
}

/* Whatever another thread allocates and frees at any point of a call, each is counted once. */
static void another_cpu_at_every_point_of_a_call(void **state)
{
	u32 step = 0, last;

	do {
		host__setup(state);
		host__set_tables(1, 64); /* all in one bucket */
		host__malloc(50, BLOCK + 0x8000);
		fake.step_fn = free_elsewhere;
		fake.step = 0;
		fake.step_at = ++step;
		host__malloc(100, BLOCK);
		host__free(BLOCK);
		last = fake.step;
		if (step > last)
			break;
		assert_int_equal(host__counter(COUNTER_heap_live_full), 0);
		assert_int_equal(host__counter(COUNTER_heap_free_unknown), 0);
		assert_heap(PROCESS, 3, 183, 2, 150);
	} while (step < last);
	assert_in_range(step, 20, 1000);
	print_message("another CPU at each of %u points\n", step);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_is_allocated_and_freed, host__setup),
		cmocka_unit_test_setup(what_is_none, host__setup),
		cmocka_unit_test_setup(each_function_has_its_size, host__setup),
		cmocka_unit_test_setup(posix_memalign_returns_by_its_argument, host__setup),
		cmocka_unit_test_setup(realloc_frees_and_allocates, host__setup),
		cmocka_unit_test_setup(
			a_function_that_another_one_calls_is_not_counted, host__setup),
		cmocka_unit_test_setup(a_handler_allocates_over_an_allocation, host__setup),
		cmocka_unit_test_setup(calls_that_never_return_are_counted, host__setup),
		cmocka_unit_test_setup(an_address_that_is_given_again_was_freed, host__setup),
		cmocka_unit_test_setup(processes_share_no_address, host__setup),
		cmocka_unit_test_setup(what_finds_no_room_is_counted, host__setup),
		cmocka_unit_test_setup(stacks_without_room_are_one, host__setup),
		cmocka_unit_test_setup(intervals_have_their_mean, host__setup),
		cmocka_unit_test_setup(unsampled_calls_have_no_return, host__setup),
		cmocka_unit_test_setup(estimates_are_right_and_go_to_nothing, host__setup),
		cmocka_unit_test_setup(thinned_out_each_stands_for_more, host__setup),
		cmocka_unit_test_setup(a_process_samples_by_itself, host__setup),
		cmocka_unit_test_setup(what_a_process_says_of_itself_is_bounded, host__setup),
		cmocka_unit_test_setup(what_finds_no_room_here_is_counted_too, host__setup),
		cmocka_unit_test_setup(another_cpu_at_every_point_of_a_call, host__setup),
	};

	return cmocka_run_group_tests_name("bpf_heap", tests, NULL, NULL);
}
