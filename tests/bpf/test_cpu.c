// SPDX-License-Identifier: GPL-2.0
/* One tick of the CPU clock: what is counted where, in which epoch, and what is lost how. */
#include "cpu_host.h"

static void counts_the_sample_under_process_thread_and_cgroup(void **state)
{
	struct sample_value value;
	struct sample_key key;

	(void)state;
	host__tick();
	fake.now_ns += PERIOD_NS;
	host__tick();
	key = host__key(&value);
	assert_int_equal(key.pid, 200);
	assert_int_equal(key.start_ns, 5000);
	assert_int_equal(key.cgroup, 77);
	assert_string_equal(key.comm, "leader");
	assert_string_equal(key.thread, "worker-1");
	assert_int_equal(value.count, 2);
	assert_int_equal(value.value, 2 * PERIOD_NS);
	assert_int_equal(host__counter(COUNTER_samples), 2);
	assert_int_equal(fake.record_cnt, 1);
	assert_int_equal(host__record(0)->hash, key.stack);
}

static void idle_is_not_sampled(void **state)
{
	struct task_struct idle = {.pid = 0};
	u32 keys;

	(void)state;
	fake.task = &idle;
	host__tick();
	assert_int_equal(host__samples_of(&cpu_samples_0, &keys), 0);
	assert_int_equal(host__counter(COUNTER_samples), 0);
}

/* Time that passed while the task was not on the CPU is not its own. */
static void a_task_that_left_the_cpu_is_not_weighted(void **state)
{
	struct task_struct other = host.thread;

	(void)state;
	host__tick();
	fake.now_ns += 9 * PERIOD_NS;
	host.thread.nvcsw++; /* slept meanwhile, the CPU was idle */
	host__tick();
	assert_int_equal(host__counter(COUNTER_samples), 2);
	fake.now_ns += 9 * PERIOD_NS;
	host.thread.nivcsw++;
	host__tick();
	assert_int_equal(host__counter(COUNTER_samples), 3);
	other.pid = 202;
	other.nvcsw = host.thread.nvcsw;
	other.nivcsw = host.thread.nivcsw;
	fake.task = &other;
	fake.now_ns += 9 * PERIOD_NS;
	host__tick();
	assert_int_equal(host__counter(COUNTER_samples), 4);
	assert_int_equal(host__counter(COUNTER_samples_late), 0);
}

/* A clock that the daemon has thinned: each tick stands for the periods between two of its own, and goes on where it was. */
static void ticks_of_a_thinned_clock_are_weighted(void **state)
{
	struct sample_value value;
	u64 before;
	u32 i;

	(void)state;
	host__tick();
	host.ctx.sample_period = 4 * PERIOD_NS;
	/* the new clock starts in the middle of a period; the task stays */
	fake.now_ns += PERIOD_NS / 2;
	for (i = 0; i < 10; i++) {
		fake.now_ns += 4 * PERIOD_NS;
		host__tick();
	}
	assert_int_equal(host__counter(COUNTER_samples), 1 + 10 * 4);
	assert_int_equal(host__counter(COUNTER_samples_late), 0);
	/* it left the CPU in between */
	fake.now_ns += 9 * PERIOD_NS;
	host.thread.nvcsw++;
	host__tick();
	assert_int_equal(host__counter(COUNTER_samples), 1 + 11 * 4);
	/* a late tick */
	fake.now_ns += 8 * PERIOD_NS;
	host__tick();
	assert_int_equal(host__counter(COUNTER_samples), 1 + 13 * 4);
	assert_int_equal(host__counter(COUNTER_samples_late), 1);
	/* as often as asked for again */
	before = host__counter(COUNTER_samples);
	host.ctx.sample_period = PERIOD_NS;
	for (i = 0; i < 10; i++) {
		fake.now_ns += PERIOD_NS;
		host__tick();
	}
	assert_int_equal(host__counter(COUNTER_samples) - before, 10);
	host__key(&value);
	assert_int_equal(value.count, host__counter(COUNTER_samples));
	assert_int_equal(value.value, value.count * PERIOD_NS);
}

static void only_targets_are_sampled(void **state)
{
	u32 pid = 200, one = 1, keys;

	(void)state;
	host.options.all_processes = 0;
	host__set_options();
	host__tick();
	assert_int_equal(host__samples_of(&cpu_samples_0, &keys), 0);
	bpf_map_update_elem(&targets, &pid, &one, BPF_ANY);
	fake.now_ns += PERIOD_NS;
	host__tick();
	assert_int_equal(host__samples_of(&cpu_samples_0, &keys), 1);
}

/* A clock whose ticks are late, as the kernel reports them, loses no time: weights make up for it. */
static void late_ticks_are_weighted(void **state)
{
	static const struct {
		u64 periods;
		u64 weight;
	} cases[] = {{1, 1}, {2, 2}, {5, 5}, {100, 100}, {5000, 100}};
	u64 before;
	size_t i;

	(void)state;
	host__tick();
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		before = host__counter(COUNTER_samples);
		fake.now_ns += cases[i].periods * PERIOD_NS;
		host__tick();
		assert_int_equal(host__counter(COUNTER_samples) - before, cases[i].weight);
	}
	assert_int_equal(host__counter(COUNTER_samples_late), 4);
}

/* hrtimer ticks come at multiples of the period plus a delay that differs from tick to tick. However they are delayed, the
 * weights add up to the time that passed. */
static void delays_of_ticks_do_not_add_samples(void **state)
{
	const u64 tick_cnt = 10000, origin = 5000 * PERIOD_NS;
	u64 i, seed = 7, got;

	(void)state;
	fake.now_ns = origin;
	host__tick();
	for (i = 1; i <= tick_cnt; i++) {
		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		/* every fourth tick is late by up to nine tenths of a period */
		fake.now_ns = origin + i * PERIOD_NS +
			      (seed >> 62 ? 0 : (seed >> 32) % (PERIOD_NS * 9 / 10));
		host__tick();
	}
	got = host__counter(COUNTER_samples);
	print_message("%llu ticks, a quarter late: weights add up to %llu\n",
		(unsigned long long)tick_cnt + 1, (unsigned long long)got);
	assert_in_range(got, tick_cnt - tick_cnt / 100, tick_cnt + tick_cnt / 100);
}

static void each_cpu_has_its_own_clock(void **state)
{
	(void)state;
	host__tick();
	fake.cpu = 1;
	fake.now_ns += 7 * PERIOD_NS;
	host__tick(); /* this CPU's first */
	assert_int_equal(host__counter(COUNTER_samples), 2);
}

static void full_map_keeps_the_sample_by_process(void **state)
{
	struct lost_key lost = {.start_ns = 5000, .cgroup = 77, .pid = 200, .comm = "leader"};
	struct sample_value *value;
	u32 i, keys;

	(void)state;
	for (i = 0; i < 12; i++) {
		host.ctx.regs.ip = CODE + 0x100 + i;
		host__tick();
		fake.now_ns += PERIOD_NS;
	}
	assert_int_equal(host__samples_of(&cpu_samples_0, &keys), 8);
	assert_int_equal(keys, 8);
	value = fake_map__lookup(&cpu_lost, &lost, 0);
	assert_non_null(value);
	assert_int_equal(value->count, 4);
	assert_int_equal(value->value, 4 * PERIOD_NS);
	assert_int_equal(host__counter(COUNTER_samples_map_full), 4);
	assert_int_equal(host__counter(COUNTER_lost_map_full), 0);
	/* what is in the map goes on to be counted there */
	host.ctx.regs.ip = CODE + 0x100;
	host__tick();
	assert_int_equal(host__samples_of(&cpu_samples_0, &keys), 9);
}

static void full_lost_map_keeps_the_total(void **state)
{
	u32 i, keys;
	u64 counted, lost;

	(void)state;
	for (i = 0; i < 20; i++) {
		host.leader.tgid = host.thread.tgid = 300 + i;
		host__tick();
		fake.now_ns += PERIOD_NS;
	}
	counted = host__samples_of(&cpu_samples_0, &keys);
	lost = host__samples_of(&cpu_lost, &keys);
	assert_int_equal(counted, 8);
	assert_int_equal(lost, 4);
	assert_int_equal(host__counter(COUNTER_lost_map_full), 8);
	assert_int_equal(counted + lost + host__counter(COUNTER_lost_map_full),
		host__counter(COUNTER_samples));
}

static void without_scratch_the_sample_is_counted_without_stack(void **state)
{
	u32 level;

	(void)state;
	for (level = 0; level < SCRATCH_LEVELS; level++)
		((struct scratch *)fake_map__lookup(&scratches, &level, 0))->busy = 1;
	host__tick();
	assert_int_equal(host__key(NULL).stack, 0);
	assert_int_equal(host__counter(COUNTER_samples_no_scratch), 1);
	assert_int_equal(fake.record_cnt, 0);
	/* the last level is enough */
	((struct scratch *)fake_map__lookup(&scratches, &(u32){SCRATCH_LEVELS - 1}, 0))->busy = 0;
	fake.now_ns += PERIOD_NS;
	host__tick();
	assert_int_equal(host__counter(COUNTER_samples_no_scratch), 1);
	assert_int_equal(fake.record_cnt, 1);
	assert_int_equal(
		((struct scratch *)fake_map__lookup(&scratches, &(u32){SCRATCH_LEVELS - 1}, 0))
			->busy,
		0);
}

/* ---- the drain's side of an epoch, as user/collect/shared.c and user/capture.c do it ---- */

static struct {
	int flips;     /* still to do, one a step */
	bool is_quiet; /* the ended epoch was quiet at the flip: its map was drained then */
	u32 drained_parity;
	u64 drained;
	u32 steps_between;
} drain;

static bool parity__is_quiet(u32 parity)
{
	u32 cpu;

	for (cpu = 0; cpu < FAKE_CPUS; cpu++) {
		struct epoch_users *users = fake_map__lookup(&epoch_users, &cpu, 0);

		if (users->enter[parity] != users->exit[parity])
			return false;
	}
	return true;
}

static void flip(void)
{
	struct control *control = fake_map__lookup(&controls, &(u32){0}, 0);
	u32 keys;

	drain.drained_parity = control->epoch++ & 1;
	drain.is_quiet = parity__is_quiet(drain.drained_parity);
	if (drain.is_quiet)
		drain.drained = host__samples_of(
			drain.drained_parity ? (void *)&cpu_samples_1 : (void *)&cpu_samples_0,
			&keys);
	if (--drain.flips > 0)
		fake.step_at = fake.step + 1 + drain.steps_between;
}

/* After one tick: nothing was written to a map that had been drained, every program has left, every sample is somewhere. */
static void check_epoch(void)
{
	void *drained_map = drain.drained_parity ? (void *)&cpu_samples_1 : (void *)&cpu_samples_0;
	u32 keys;

	if (drain.is_quiet)
		assert_int_equal(host__samples_of(drained_map, &keys), drain.drained);
	assert_true(parity__is_quiet(0));
	assert_true(parity__is_quiet(1));
	assert_int_equal(host__samples_of(&cpu_samples_0, &keys) +
				 host__samples_of(&cpu_samples_1, &keys) +
				 host__counter(COUNTER_samples_epoch_race),
		1);
}

static void flip_at_every_point_of_a_sample(void **state)
{
	u32 step = 0, last, raced = 0, busy = 0;

	do {
		host__setup(state);
		memset(&drain, 0, sizeof(drain));
		drain.flips = 1;
		fake.step_fn = flip;
		fake.step = 0;
		fake.step_at = ++step;
		host__tick();
		last = fake.step;
		check_epoch();
		raced += (u32)host__counter(COUNTER_samples_epoch_race);
		busy += !drain.is_quiet;
	} while (step < last);
	assert_int_equal(raced, 0);      /* one flip never loses a sample */
	assert_in_range(busy, 10, last); /* the flip did fall into the epoch */
	print_message("one flip at each of %u points\n", last);
}

static void two_flips_at_every_pair_of_points(void **state)
{
	u32 first, between, last = 60, raced = 0, runs = 0;

	for (first = 1; first < last; first++) {
		for (between = 0; between < 12; between++) {
			host__setup(state);
			memset(&drain, 0, sizeof(drain));
			drain.flips = 2;
			drain.steps_between = between;
			fake.step_fn = flip;
			fake.step = 0;
			fake.step_at = first;
			host__tick();
			last = fake.step;
			assert_true(parity__is_quiet(0));
			assert_true(parity__is_quiet(1));
			check_epoch();
			raced += (u32)host__counter(COUNTER_samples_epoch_race);
			runs++;
		}
	}
	assert_in_range(raced, 1, runs / 4); /* possible, counted, and rare */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
			counts_the_sample_under_process_thread_and_cgroup, host__setup),
		cmocka_unit_test_setup(idle_is_not_sampled, host__setup),
		cmocka_unit_test_setup(a_task_that_left_the_cpu_is_not_weighted, host__setup),
		cmocka_unit_test_setup(ticks_of_a_thinned_clock_are_weighted, host__setup),
		cmocka_unit_test_setup(only_targets_are_sampled, host__setup),
		cmocka_unit_test_setup(late_ticks_are_weighted, host__setup),
		cmocka_unit_test_setup(delays_of_ticks_do_not_add_samples, host__setup),
		cmocka_unit_test_setup(each_cpu_has_its_own_clock, host__setup),
		cmocka_unit_test_setup(full_map_keeps_the_sample_by_process, host__setup),
		cmocka_unit_test_setup(full_lost_map_keeps_the_total, host__setup),
		cmocka_unit_test_setup(
			without_scratch_the_sample_is_counted_without_stack, host__setup),
		cmocka_unit_test_setup(flip_at_every_point_of_a_sample, host__setup),
		cmocka_unit_test_setup(two_flips_at_every_pair_of_points, host__setup),
	};

	return cmocka_run_group_tests_name("bpf_cpu", tests, NULL, NULL);
}
