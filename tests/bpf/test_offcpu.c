// SPDX-License-Identifier: GPL-2.0
/* Waits: what is counted of each, exactly and by samples, whoever looks at it meanwhile. */
#include "offcpu_host.h"

static void a_sleep_is_counted_where_it_was_slept(void **state)
{
	struct sample_key key;
	struct sample_value sum;

	(void)state;
	host__begin();
	host__call(1, CALL_NANOSLEEP, 0, 0);
	host__leave(1, SLEEPS);
	fake.now_ns += 5 * MS;
	host__return(1);
	sum = host__sum(&block_samples_0, &key);
	assert_int_equal(sum.count, 1);
	assert_int_equal(sum.value, 5 * MS);
	assert_int_equal(key.tag, OFFCPU_SLEEP);
	assert_int_equal(key.pid, PID);
	assert_int_equal(key.start_ns, 5000);
	assert_string_equal(key.comm, "leader");
	assert_string_equal(key.thread, "worker-1");
	assert_int_equal(fake.record_cnt, 1);
	assert_int_equal(key.stack, ((const struct stack_record *)fake.records[0].data)->hash);
	assert_int_equal(host__sum(&sched_samples_0, NULL).count, 0);
}

static void the_time_that_it_is_held_is_not_its_own(void **state)
{
	struct control *control;
	struct offcpu_totals totals;
	u32 zero = 0;

	(void)state;
	host__begin();
	control = bpf_map_lookup_elem(&controls, &zero);
	control->held_pid = PID;
	fake.now_ns += 2 * MS;
	host__leave(0, 4);
	fake.now_ns += 30 * MS;
	host__pass(false);
	fake.now_ns += 30 * MS;
	control->held_pid = 0;
	host__wake(1, 0);
	fake.now_ns += 3 * MS;
	host__return(0);
	assert_int_equal(host__sum(&block_samples_0, NULL).count, 0);
	assert_int_equal(host__sum(&sched_samples_0, NULL).count, 0);
	fake.now_ns += MS;
	host__leave(0, TASK_DEAD);
	totals = host__totals();
	assert_int_equal(totals.off_cnt, 0);
	assert_int_equal(totals.off_ns, 0);
	assert_int_equal(totals.queue_ns, 0);
	/* the others have lived for 32 ms when they were looked at */
	assert_int_equal(totals.life_ns, (2 + 1 + (THREADS - 1) * 32) * MS);

	/* Whoever else stops it, it waits. */
	host__leave(1, 4);
	fake.now_ns += 5 * MS;
	host__return(1);
	assert_int_equal(host__sum(&block_samples_0, NULL).value, 5 * MS);
}

static const struct state_case {
	long call;
	u32 state;
	u32 mode; /* of the descriptor 0; 0: it is closed */
	u32 tag;
} state_cases[] = {
	{35, 1, 0, OFFCPU_SLEEP},
	{202, 1, 0, OFFCPU_FUTEX},
	{7, 1, 0, OFFCPU_POLL},
	{232, 1, 0, OFFCPU_EPOLL},
	{45, 1, 0, OFFCPU_SOCKET},
	{61, 1, 0, OFFCPU_CHILD},
	{34, 1, 0, OFFCPU_SIGNAL},
	{426, 1, 0, OFFCPU_IO_URING},
	{220, 1, 0, OFFCPU_IPC},
	{0, 1, S_IFIFO | 0600, OFFCPU_PIPE},
	{0, 1, S_IFSOCK | 0600, OFFCPU_SOCKET},
	{1, 1, S_IFCHR | 0600, OFFCPU_TTY},
	{0, 1, 0100644, OFFCPU_FILE},
	{0, 1, 0, OFFCPU_FILE},
	{0, 2, S_IFIFO, OFFCPU_DISK},
	{35, 4, 0, OFFCPU_STOPPED},
	{300, 1, 0, OFFCPU_OTHER},
	{NO_CALL, 1, 0, OFFCPU_OTHER},
	{NO_CALL, 0, 0, OFFCPU_PREEMPTED},
	{35, 0, 0, OFFCPU_PREEMPTED},
	{CALL_YIELD, 0, 0, OFFCPU_YIELD},
};

static void every_state_has_its_word(void **state)
{
	struct inode inode;
	struct file file = {.f_inode = &inode}, *files[1];
	struct fdtable table = {.max_fds = 1, .fd = files};
	struct files_struct all = {.fdt = &table};
	struct sample_key key;
	size_t i;

	for (i = 0; i < sizeof(state_cases) / sizeof(state_cases[0]); i++) {
		const struct state_case *test = &state_cases[i];

		host__setup(state);
		host__begin();
		inode.i_mode = (unsigned short)test->mode;
		files[0] = test->mode ? &file : NULL;
		host.threads[1].files = &all;
		host__call(1, test->call, 0, 0);
		host__leave(1, test->state);
		fake.now_ns += MS;
		host__return(1);
		assert_int_equal(host__sum(&block_samples_0, &key).count, 1);
		assert_int_equal(key.tag, test->tag);
	}
}

/* Preempted, and the rest of a wait after the wakeup: both are time on a run queue. */
static void time_on_the_run_queue(void **state)
{
	struct sample_key key;
	struct sample_value sum;

	(void)state;
	host__begin();
	host__switch(&host.threads[1], &host.threads[2], 0);
	fake.now_ns += 3 * MS;
	host__switch(&host.threads[2], &host.threads[1], SLEEPS);
	sum = host__sum(&sched_samples_0, &key);
	assert_int_equal(sum.count, 1);
	assert_int_equal(sum.value, 3 * MS);
	assert_string_equal(key.thread, "worker-1");
	assert_string_equal(key.peer.comm, "worker-2"); /* had the CPU meanwhile */
	fake.now_ns += 7 * MS;
	host__wake(3, 2);
	fake.now_ns += 200 * US;
	host__return(2);
	sum = host__sum(&sched_samples_0, &key);
	assert_int_equal(sum.count, 2);
	assert_int_equal(sum.value, 3 * MS + 200 * US);
	assert_string_equal(key.thread, "worker-2");
	assert_string_equal(key.peer.comm, ""); /* too short to be told */
	assert_int_equal(host__sum(&block_samples_0, NULL).value, 3 * MS + 7 * MS + 200 * US);
}

/* The pass comes again and again: the wait is one, its time all of it. */
static void a_wait_without_end_is_counted_so_far(void **state)
{
	struct sample_key key;
	struct sample_value sum;
	int i;

	(void)state;
	host__begin();
	host__call(1, CALL_NANOSLEEP, 0, 0);
	host__leave(1, SLEEPS);
	for (i = 1; i <= 5; i++) {
		fake.now_ns += 100 * MS;
		host__pass(false);
		sum = host__sum(&block_samples_0, &key);
		assert_int_equal(sum.count, 1);
		assert_int_equal(sum.value, (u64)i * 100 * MS);
	}
	assert_int_equal(key.tag, OFFCPU_SLEEP);
	fake.now_ns += MS;
	host__return(1);
	sum = host__sum(&block_samples_0, NULL);
	assert_int_equal(sum.count, 1);
	assert_int_equal(sum.value, 501 * MS);
}

/* So is a wait for a CPU: of a thread that does not get one to the end. */
static void a_starved_thread_is_counted_so_far(void **state)
{
	struct sample_value sum;
	int i;

	(void)state;
	host__begin();
	host__switch(&host.threads[1], &host.threads[2], 0);
	for (i = 1; i <= 3; i++) {
		fake.now_ns += 100 * MS;
		host__pass(false);
		sum = host__sum(&sched_samples_0, NULL);
		assert_int_equal(sum.count, 1);
		assert_int_equal(sum.value, (u64)i * 100 * MS);
	}
	fake.now_ns += MS;
	host__switch(&host.threads[2], &host.threads[1], SLEEPS);
	sum = host__sum(&sched_samples_0, NULL);
	assert_int_equal(sum.count, 1);
	assert_int_equal(sum.value, 301 * MS);
	assert_int_equal(host__sum(&block_samples_0, NULL).value, 301 * MS);
	host__pass(false);
	assert_int_equal(host__totals().queue_ns, 301 * MS);
	assert_int_equal(host__totals().queue_cnt, 1);
}

static void a_wait_from_before_is_marked(void **state)
{
	struct sample_key key;
	struct sample_value sum;

	(void)state;
	host__call(1, CALL_NANOSLEEP, 0, 0);
	host.threads[1].__state = SLEEPS;
	host.threads[0].on_cpu = 1;
	host__pass(true);
	fake.now_ns += 20 * MS;
	host__return(1);
	sum = host__sum(&block_samples_0, &key);
	assert_int_equal(sum.count, 1);
	assert_int_equal(sum.value, 20 * MS);
	assert_int_equal(key.tag, OFFCPU_SLEEP | OFFCPU_TAG_BEGAN_UNSEEN);
}

/* The thread runs again at any point of the pass, on another CPU: who counts what, the sums are right. */
static void race__run_again(void)
{
	struct task_struct *task = fake.task;
	u32 cpu = fake.cpu;

	fake.cpu = 1;
	fake.now_ns += 10;
	host__return(1);
	fake.cpu = cpu;
	fake.task = task;
}

static void the_pass_and_the_thread_agree(void **state)
{
	struct sample_value sum;
	u32 at, points = 1;

	for (at = 1; at <= points; at++) {
		host__setup(state);
		host__begin();
		host__call(1, CALL_NANOSLEEP, 0, 0);
		host__leave(1, SLEEPS);
		fake.now_ns += 48 * MS;
		host__wake(2, 1);
		fake.now_ns += 2 * MS;
		fake.step = 0;
		fake.step_at = at;
		fake.step_fn = race__run_again;
		host__pass(false);
		points = fake.step;
		if (!host.threads[1].on_cpu)
			race__run_again();
		sum = host__sum(&block_samples_0, NULL);
		assert_int_equal(sum.count, 1);
		assert_int_equal(sum.value, 50 * MS + 10);
		sum = host__sum(&sched_samples_0, NULL);
		assert_int_equal(sum.count, 1);
		assert_int_equal(sum.value, 2 * MS + 10);
		fake.step_fn = NULL;
		host__pass(false);
		assert_int_equal(host__totals().off_ns, 50 * MS + 10);
		assert_int_equal(host__totals().off_cnt, 1);
	}
	assert_true(points > 20);
}

/* Who dies while it waits is woken for it; what it waited is in the totals, and nothing is left over to count. */
static void a_thread_that_dies_is_complete(void **state)
{
	struct offcpu_totals totals;

	(void)state;
	host__begin();
	host__leave(1, SLEEPS);
	fake.now_ns += 30 * MS;
	host__wake(2, 1);
	fake.now_ns += 1 * MS;
	host__return(1);
	fake.now_ns += 2 * MS;
	host.threads[1].se.sum_exec_runtime = 1 * MS;
	offcpu_exit(&host.threads[1]);
	assert_int_equal(host__totals().off_ns, 31 * MS);
	host.threads[1].se.sum_exec_runtime = 2 * MS;
	host__leave(1, TASK_DEAD);
	totals = host__totals();
	assert_int_equal(totals.off_cnt, 1);
	assert_int_equal(totals.off_ns, 31 * MS);
	assert_int_equal(totals.queue_ns, 1 * MS);
	assert_int_equal(totals.life_ns, 33 * MS);
	assert_int_equal(totals.cpu_ns, 2 * MS);
	assert_int_equal(host__sum(&block_samples_0, NULL).value, 31 * MS);
}

/* So many waits of a mixture of short ones and rare long ones, at two places. */
static void many_waits(u32 cnt)
{
	u32 i;

	for (i = 0; i < cnt; i++) {
		u64 off_ns = 5 * US + bpf_get_prandom_u32() % (20 * US);

		if (i % 97 == 0)
			off_ns += 3 * MS;
		host__call(1, i % 3 ? CALL_NANOSLEEP : CALL_READ, 0, 0);
		host__leave(1, SLEEPS);
		fake.now_ns += off_ns;
		host__return(1);
		fake.now_ns += 2 * US;
	}
	host__pass(false);
}

/* Far more waits than stacks are taken: no run is far off, and the mean of many is not off. */
static void sampled_totals_are_unbiased(void **state)
{
	const u32 waits = 30000, runs = 20;
	double cnt_error = 0, ns_error = 0;
	u32 run;

	for (run = 0; run < runs; run++) {
		struct sample_value sum;
		u64 off_ns;

		host__setup(state);
		fake.random_state = run * 7919;
		host__begin();
		many_waits(waits);
		off_ns = host__totals().off_ns;
		sum = host__sum(&block_samples_0, NULL);
		assert_int_equal(host__totals().off_cnt, waits);
		assert_true(host__counter(COUNTER_offcpu_stacks) < waits / 5);
		assert_in_range(sum.count, waits * 85ull / 100, waits * 115ull / 100);
		assert_in_range(sum.value, off_ns * 90 / 100, off_ns * 110 / 100);
		cnt_error += ((double)sum.count / waits - 1) / runs;
		ns_error += ((double)sum.value / (double)off_ns - 1) / runs;
	}
	print_message("mean error of %u runs of %u waits: count %.2f %%, time %.2f %%\n", runs,
		waits, 100 * cnt_error, 100 * ns_error);
	assert_true(cnt_error > -0.015 && cnt_error < 0.015);
	assert_true(ns_error > -0.015 && ns_error < 0.015);
}

/* A stack that was cut because its file had no table is taken again when the thread runs, where the kernel lets it. */
static void a_cut_stack_is_taken_again(void **state)
{
	u32 pid = PID, one = 1, has_end;
	struct sample_key key;

	for (has_end = 0; has_end < 2; has_end++) {
		const struct stack_record *record;

		host__setup(state);
		offcpu_control.has_switch_end = has_end;
		host__begin();
		bpf_map_delete_elem(&process_slices, &pid);
		host__leave(1, SLEEPS);
		bpf_map_update_elem(&process_slices, &pid, &one, BPF_ANY);
		fake.now_ns += 10 * MS;
		host__return(1);
		assert_int_equal(host__sum(&block_samples_0, &key).count, 1);
		assert_int_equal(host__sum(&block_samples_0, &key).value, 10 * MS);
		assert_int_equal(fake.record_cnt, 1 + has_end);
		record = (const struct stack_record *)fake.records[has_end].data;
		assert_int_equal(key.stack, record->hash);
		assert_int_equal(record->end, has_end ? STACK_END_ROOT : STACK_END_NO_MAPPING);
	}
}

static void threads_of_others_are_not_counted(void **state)
{
	(void)state;
	host.options.all_processes = 0;
	host__set_options();
	host__begin();
	host__leave(1, SLEEPS);
	fake.now_ns += MS;
	host__return(1);
	assert_int_equal(host__sum(&block_samples_0, NULL).count, 0);
	assert_int_equal(host__counter(COUNTER_offcpu_thread_unknown), 0);
}

/* Threads that the kernel makes for a process, such as those of io_uring, come by task_newtask alone. */
static void new_threads_of_a_target_are_followed(void **state)
{
	u32 pid = PID, one = 1;

	(void)state;
	host.options.all_processes = 0;
	host__set_options();
	bpf_map_update_elem(&targets, &pid, &one, BPF_ANY);
	fake.task = &host.threads[0];
	offcpu_newtask(&host.threads[5]);
	fake.now_ns += MS;
	offcpu_wakeup_new(&host.threads[5]);
	fake.now_ns += MS;
	host__return(5);
	assert_int_equal(host__totals().off_ns, 0);
	host__pass(false);
	assert_int_equal(host__totals().off_ns, MS);
	assert_int_equal(host__totals().life_ns, 2 * MS);
}

static void what_is_lost_is_counted(void **state)
{
	u32 i;

	(void)state;
	/* no state: it is said */
	host__leave(1, SLEEPS);
	assert_int_equal(host__counter(COUNTER_offcpu_thread_unknown), 1);
	/* no memory for a state */
	fake_map__find(&offcpu_threads_states)->fails = true;
	host__pass(true);
	assert_int_equal(host__counter(COUNTER_offcpu_thread_failed), THREADS);
	/* no room for samples: kept by process */
	fake_map__find(&offcpu_threads_states)->fails = false;
	host__begin();
	fake_map__find(&block_samples_0)->fails = true;
	for (i = 1; i < 4; i++) {
		host__leave(i, SLEEPS);
		fake.now_ns += MS;
		host__return(i);
	}
	assert_int_equal(host__counter(COUNTER_samples_map_full), 3);
	assert_int_equal(host__sum(&block_lost, NULL).count, 3);
	assert_int_equal(host__sum(&block_lost, NULL).value, 3 * MS);
	/* no room for totals */
	fake_map__find(&offcpu_processes)->fails = true;
	host__pass(false);
	assert_true(host__counter(COUNTER_offcpu_totals_full) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_sleep_is_counted_where_it_was_slept, host__setup),
		cmocka_unit_test_setup(every_state_has_its_word, host__setup),
		cmocka_unit_test_setup(the_time_that_it_is_held_is_not_its_own, host__setup),
		cmocka_unit_test_setup(time_on_the_run_queue, host__setup),
		cmocka_unit_test_setup(a_wait_without_end_is_counted_so_far, host__setup),
		cmocka_unit_test_setup(a_starved_thread_is_counted_so_far, host__setup),
		cmocka_unit_test_setup(a_wait_from_before_is_marked, host__setup),
		cmocka_unit_test_setup(the_pass_and_the_thread_agree, host__setup),
		cmocka_unit_test_setup(a_thread_that_dies_is_complete, host__setup),
		cmocka_unit_test_setup(sampled_totals_are_unbiased, host__setup),
		cmocka_unit_test_setup(a_cut_stack_is_taken_again, host__setup),
		cmocka_unit_test_setup(threads_of_others_are_not_counted, host__setup),
		cmocka_unit_test_setup(new_threads_of_a_target_are_followed, host__setup),
		cmocka_unit_test_setup(what_is_lost_is_counted, host__setup),
	};

	return cmocka_run_group_tests_name("bpf_offcpu", tests, NULL, NULL);
}
