// SPDX-License-Identifier: GPL-2.0
/* The scheduler's programs: waits, who delayed whom, threads that come. */
#include "fake_bpf.h"

#include "../../bpf/sched.bpf.c"

#define THREADS 32
#define US      1000ull
#define MS      1000000ull

static struct {
	struct prog_options options;
	struct task_struct idle, threads[THREADS];
	struct pt_regs regs;
} host;

static void host__set_options(void)
{
	fake__set_const(&options, &host.options, sizeof(host.options));
}

/* Threads 0 to 15 are of process 200, the others of process 300. */
static int setup(void **state)
{
	u32 i;

	(void)state;
	fake__reset();
	memset(&host, 0, sizeof(host));
	memset(&sched_control, 0, sizeof(sched_control));
	FAKE_MAP(counters);
	FAKE_MAP_SIZED(targets, 4);
	FAKE_MAP_SIZED(sched_cpus, FAKE_CPUS);
	FAKE_MAP_SIZED(sched_thread_states, THREADS);
	FAKE_MAP(sched_holders);
	FAKE_MAP_SIZED(sched_cpu_delays, 2 * FAKE_CPUS);
	host.options.all_processes = 1;
	host.options.cpu_cnt = FAKE_CPUS;
	host__set_options();
	sched_control.interval = 1;
	strcpy(host.idle.comm, "swapper/0");
	for (i = 0; i < THREADS; i++) {
		struct task_struct *task = &host.threads[i];

		task->tgid = i < 16 ? 200 : 300;
		task->pid = task->tgid + (int)i % 16;
		task->group_leader = &host.threads[i / 16 * 16];
		snprintf(task->comm, sizeof(task->comm), "thread-%u", i);
		fake__add_regs(task, &host.regs);
		sched_thread__make(task);
	}
	fake.now_ns = 1000 * MS;
	return 0;
}

static void run_next(struct task_struct *prev, struct task_struct *next, u32 state)
{
	fake.task = prev;
	prev->__state = state;
	sched_switch(false, prev, next);
	next->__state = 0;
	fake.task = next;
}

static const struct sched_delays *delays_of(u32 cpu, u32 interval)
{
	u32 key = 2 * cpu + (interval & 1);

	return fake_map__lookup(&sched_cpu_delays, &key, 0);
}

static u64 counter(enum counter counter)
{
	u32 zero = 0;

	return ((struct counter_values *)fake_map__lookup(&counters, &zero, 0))->cnt[counter];
}

/* hog has the CPU for 20 ms, an other for 2, while victim waits; both ids are told. */
static void the_longest_holder_is_told(void **state)
{
	struct task_struct *victim = &host.threads[1], *hog = &host.threads[17],
			   *other = &host.threads[2];
	const struct sched_delays *delays = delays_of(0, 1);

	(void)state;
	run_next(&host.idle, hog, 0);
	fake.now_ns += 50 * MS; /* before the victim wants it: not its delay */
	sched_wakeup(victim);
	fake.now_ns += 20 * MS;
	run_next(hog, other, 1);
	fake.now_ns += 2 * MS;
	run_next(other, victim, 1);
	assert_int_equal(delays->interval, 1);
	assert_int_equal(delays->seq & 1, 0);
	assert_int_equal(delays->delays[0].wait_ns, 22 * MS);
	assert_int_equal(delays->delays[0].held_ns, 20 * MS);
	assert_int_equal(delays->delays[0].at_ns, fake.now_ns);
	assert_int_equal(delays->delays[0].tid, 201);
	assert_int_equal(delays->delays[0].pid, 200);
	assert_int_equal(delays->delays[0].by_tid, 301);
	assert_int_equal(delays->delays[0].by_pid, 300);
	assert_string_equal(delays->delays[0].thread, "thread-1");
	assert_string_equal(delays->delays[0].by_thread, "thread-17");
	assert_int_equal(delays->delays[1].wait_ns, 0);
}

static void short_waits_are_not_told(void **state)
{
	(void)state;
	run_next(&host.idle, &host.threads[2], 0);
	sched_wakeup(&host.threads[1]);
	fake.now_ns += DELAY_TOLD_NS - 1;
	run_next(&host.threads[2], &host.threads[1], 1);
	assert_int_equal(delays_of(0, 1)->delays[0].wait_ns, 0);
	/* but counted */
	assert_int_equal(((struct sched_cpu *)fake_map__find(&sched_cpus)->values)->wait_max_ns,
		DELAY_TOLD_NS - 1);
}

/* Many threads wait for many: the longest are kept, of each pair one. */
static void the_longest_are_kept(void **state)
{
	const struct sched_delays *delays = delays_of(0, 1);
	u64 expected = 0, got = 0;
	u32 i;

	(void)state;
	for (i = 1; i <= 30; i++) {
		struct task_struct *hog = &host.threads[0], *victim = &host.threads[i];
		u64 wait_ns = (2 + i * 7 % 30) * MS; /* 2 to 31 ms, each once */
		u32 twice;

		for (twice = 0; twice < 2; twice++) {
			run_next(&host.idle, hog, 0);
			sched_wakeup(victim);
			fake.now_ns += wait_ns - twice * MS / 2;
			run_next(hog, victim, 1);
			fake.now_ns += US;
			run_next(victim, &host.idle, 1);
			fake.now_ns += US;
		}
	}
	for (i = 0; i < SCHED_DELAYS; i++) {
		got += delays->delays[i].wait_ns;
		expected += (31 - i) * MS;
		assert_int_equal(delays->delays[i].by_tid, 200);
	}
	assert_int_equal(got, expected);
}

/* The daemon reads one set while the other is written; a set that comes round again is emptied first. */
static void intervals_are_told_apart(void **state)
{
	u32 i;

	(void)state;
	for (i = 1; i <= 4; i++) {
		sched_control.interval = i;
		run_next(&host.idle, &host.threads[0], 0);
		sched_wakeup(&host.threads[i]);
		fake.now_ns += i * 2 * MS;
		run_next(&host.threads[0], &host.threads[i], 1);
		assert_int_equal(delays_of(0, i)->interval, i);
		assert_int_equal(delays_of(0, i)->delays[0].wait_ns, i * 2 * MS);
		assert_int_equal(delays_of(0, i)->delays[1].wait_ns, 0);
		if (i > 1) /* of the interval before, untouched */
			assert_int_equal(delays_of(0, i - 1)->delays[0].wait_ns, (i - 1) * 2 * MS);
		run_next(&host.threads[i], &host.idle, 1);
	}
}

/* Nobody had it for long, or the CPU slept. */
static void waits_that_nobody_caused(void **state)
{
	const struct sched_delays *delays = delays_of(0, 1);
	u32 i;

	(void)state;
	sched_wakeup(&host.threads[1]);
	for (i = 0; i < 20; i++) {
		fake.now_ns += TURN_MIN_NS - 1;
		run_next(&host.threads[2 + i % 2], &host.threads[3 - i % 2], 0);
	}
	run_next(&host.threads[2], &host.threads[1], 1);
	assert_int_equal(delays->delays[0].tid, 201);
	assert_int_equal(delays->delays[0].by_tid, 0);
	assert_string_equal(delays->delays[0].by_thread, "");
	run_next(&host.threads[1], &host.idle, 1);
	sched_wakeup(&host.threads[4]);
	fake.now_ns += 5 * MS;
	run_next(&host.idle, &host.threads[4], 0);
	assert_int_equal(delays->delays[1].by_tid, 0);
	assert_string_equal(delays->delays[1].by_thread, "swapper/0");
}

static void of_targets_alone_but_whoever_delays_them(void **state)
{
	u32 pid = 200, one = 1;
	struct sched_thread *thread;

	(void)state;
	host.options.all_processes = 0;
	host__set_options();
	bpf_map_update_elem(&targets, &pid, &one, BPF_ANY);
	thread = sched_thread__make(&host.threads[1]);
	thread->is_target = 1;
	run_next(&host.idle, &host.threads[20], 0);
	sched_wakeup(&host.threads[1]);
	sched_wakeup(&host.threads[21]);
	fake.now_ns += 4 * MS;
	run_next(&host.threads[20], &host.threads[21], 1);
	assert_int_equal(delays_of(0, 1)->delays[0].wait_ns, 0);
	fake.now_ns += 3 * MS;
	run_next(&host.threads[21], &host.threads[1], 1);
	assert_int_equal(delays_of(0, 1)->delays[0].tid, 201);
	assert_int_equal(delays_of(0, 1)->delays[0].by_tid, 304);
}

/* The kernel's own workers for a process come by task_newtask alone: no wait of theirs is missed. */
static void threads_that_the_kernel_makes(void **state)
{
	struct task_struct worker = host.threads[1], *user = &host.threads[0];
	u32 pid = 200, one = 1;

	(void)state;
	host.options.all_processes = 0;
	host__set_options();
	bpf_map_update_elem(&targets, &pid, &one, BPF_ANY);
	((struct sched_thread *)sched_thread__make(user))->is_target = 1;
	bpf_map_delete_elem(&sched_thread_states, &(struct task_struct *){&host.threads[31]});
	worker.pid = 215;
	fake__add_regs(&worker, &host.regs);
	fake.task = user;
	sched_newtask(&worker);
	sched_wakeup_new(&worker);
	fake.now_ns += 2 * MS;
	run_next(user, &worker, 1);
	assert_int_equal(counter(COUNTER_sched_thread_unknown), 0);
	assert_int_equal(counter(COUNTER_sched_thread_failed), 0);
	assert_int_equal(delays_of(0, 1)->delays[0].tid, 215);
	/* no room for one more: said twice, as made and as met */
	worker.pid = 216;
	host.threads[31] = worker;
	host.threads[31].tgid = 200;
	fake.task = user;
	sched_newtask(&host.threads[31]);
	assert_int_equal(counter(COUNTER_sched_thread_failed), 1);
	sched_wakeup_new(&host.threads[31]);
	assert_int_equal(counter(COUNTER_sched_thread_unknown), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_longest_holder_is_told, setup),
		cmocka_unit_test_setup(short_waits_are_not_told, setup),
		cmocka_unit_test_setup(the_longest_are_kept, setup),
		cmocka_unit_test_setup(intervals_are_told_apart, setup),
		cmocka_unit_test_setup(waits_that_nobody_caused, setup),
		cmocka_unit_test_setup(of_targets_alone_but_whoever_delays_them, setup),
		cmocka_unit_test_setup(threads_that_the_kernel_makes, setup),
	};

	return cmocka_run_group_tests_name("bpf_sched", tests, NULL, NULL);
}
