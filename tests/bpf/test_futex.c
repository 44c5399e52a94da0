// SPDX-License-Identifier: GPL-2.0
/* Locks: the unlock is charged with what all waiters have waited since the one before it, nothing twice and nobody for a
 * timeout. */
#include "offcpu_host.h"

#define LOCK 0x7f0000001000ull

static int setup(void **state)
{
	host__setup(state);
	offcpu_control.enabled = OFFCPU_MUTEX;
	host__begin();
	return 0;
}

static void wait_for_lock(u32 thread)
{
	host__call(thread, CALL_FUTEX, LOCK, 128);
	host__leave(thread, SLEEPS);
}

static void unlock(u32 thread, u32 woken)
{
	host__call(thread, CALL_FUTEX, LOCK, WAKE_OP);
	host__wake(thread, woken);
}

static void the_unlocking_stack_is_charged(void **state)
{
	struct sample_key key;
	struct sample_value sum;

	(void)state;
	wait_for_lock(1);
	fake.now_ns += 9 * MS;
	unlock(2, 1);
	host__return(1);
	sum = host__sum(&mutex_samples_0, &key);
	assert_int_equal(sum.count, 1);
	assert_int_equal(sum.value, 9 * MS);
	assert_string_equal(key.thread, "worker-2");
	assert_int_not_equal(key.stack, 0);
	assert_int_not_equal(key.peer.stack, 0); /* of the one that waited */
	assert_int_not_equal(key.peer.stack, key.stack);
	assert_int_equal(host__sum(&block_samples_0, NULL).count, 0);
}

/* Three wait from 0, 2 and 4 ms on; unlocks at 6, 9 and 15 ms. Each charge is what those who wait have waited since the last. */
static void waiters_are_shared_among_unlocks(void **state)
{
	static const u64 charges[] = {6 + 4 + 2, 3 + 3, 6};
	static const u64 at[] = {6, 9, 15};
	u64 begin = fake.now_ns, charged = 0;
	u32 i;

	(void)state;
	for (i = 0; i < 3; i++) {
		fake.now_ns = begin + i * 2 * MS;
		wait_for_lock(1 + i);
	}
	for (i = 0; i < 3; i++) {
		fake.now_ns = begin + at[i] * MS;
		unlock(5, 1 + i);
		host__return(1 + i);
		assert_int_equal(
			host__sum(&mutex_samples_0, NULL).value - charged, charges[i] * MS);
		charged += charges[i] * MS;
	}
	/* which is what they waited: 6, 7 and 11 ms */
	assert_int_equal(charged, (6 + 7 + 11) * MS);
}

static void a_timeout_charges_nobody(void **state)
{
	(void)state;
	wait_for_lock(1);
	fake.now_ns += 4 * MS;
	wait_for_lock(2);
	fake.now_ns += 4 * MS;
	/* woken by an interrupt over a thread that is in no system call, then by a signal */
	host__call(3, NO_CALL, 0, 0);
	host__wake(3, 1);
	host__return(1);
	assert_int_equal(host__sum(&mutex_samples_0, NULL).count, 0);
	fake.now_ns += 4 * MS;
	/* the other one is charged for itself alone */
	unlock(3, 2);
	assert_int_equal(host__sum(&mutex_samples_0, NULL).value, 8 * MS);
}

static void who_is_woken_twice_is_charged_once(void **state)
{
	(void)state;
	wait_for_lock(1);
	fake.now_ns += 4 * MS;
	unlock(2, 1);
	fake.now_ns += 4 * MS;
	unlock(3, 1);
	assert_int_equal(host__sum(&mutex_samples_0, NULL).value, 4 * MS);
	assert_int_equal(host__sum(&mutex_samples_0, NULL).count, 1);
}

/* The record of a lock is lost, or another CPU holds it: the last waiter alone is charged, and it is said. */
static void without_a_record(void **state)
{
	u32 i;

	(void)state;
	fake_map__find(&futexes)->fails = true;
	for (i = 1; i < 3; i++)
		wait_for_lock(i);
	assert_int_equal(host__counter(COUNTER_futex_records_failed), 2);
	fake.now_ns += 3 * MS;
	unlock(5, 1);
	assert_int_equal(host__sum(&mutex_samples_0, NULL).value, 3 * MS);
	fake_map__find(&futexes)->fails = false;
	wait_for_lock(3);
	((struct futex_waiters *)fake_map__find(&futexes)->values)->lock = 1;
	fake.now_ns += 2 * MS;
	unlock(5, 3);
	assert_int_equal(host__sum(&mutex_samples_0, NULL).value, 5 * MS);
	assert_int_equal(host__counter(COUNTER_futex_records_failed), 3);
}

/* Only what wakes: the other operations of futex(2), and other system calls, do not. */
static void operations_that_wake(void **state)
{
	static const struct {
		long call;
		u64 op;
		bool wakes;
	} cases[] = {{202, 0, false}, {202, 1, true}, {202, 1 | 128, true}, {202, 3, true},
		{202, 4, true}, {202, 5, true}, {202, 6, false}, {202, 7, true}, {202, 9, false},
		{202, 10, true}, {202, 12, true}, {454, 0, true}, {456, 0, true}, {1, 1, false},
		{NO_CALL, 1, false}};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		setup(state);
		wait_for_lock(1);
		fake.now_ns += MS;
		host__call(2, cases[i].call, LOCK, cases[i].op);
		host__wake(2, 1);
		assert_int_equal(host__sum(&mutex_samples_0, NULL).count, cases[i].wakes);
	}
}

/* More unlocks than stacks are taken. */
static void sampled_charges_are_unbiased(void **state)
{
	const u32 unlocks = 50000;
	u64 waited = 0;
	struct sample_value sum;
	u32 i;

	(void)state;
	for (i = 0; i < unlocks; i++) {
		u64 ns = 2 * US + bpf_get_prandom_u32() % (30 * US);

		wait_for_lock(1);
		fake.now_ns += ns;
		waited += ns;
		unlock(2, 1);
		host__return(1);
	}
	sum = host__sum(&mutex_samples_0, NULL);
	print_message("%u unlocks: counted %llu, %llu of %llu us\n", unlocks,
		(unsigned long long)sum.count, (unsigned long long)(sum.value / US),
		(unsigned long long)(waited / US));
	assert_in_range(sum.count, unlocks * 95ull / 100, unlocks * 105ull / 100);
	assert_in_range(sum.value, waited * 95 / 100, waited * 105 / 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_unlocking_stack_is_charged, setup),
		cmocka_unit_test_setup(waiters_are_shared_among_unlocks, setup),
		cmocka_unit_test_setup(a_timeout_charges_nobody, setup),
		cmocka_unit_test_setup(who_is_woken_twice_is_charged_once, setup),
		cmocka_unit_test_setup(without_a_record, setup),
		cmocka_unit_test_setup(operations_that_wake, setup),
		cmocka_unit_test_setup(sampled_charges_are_unbiased, setup),
	};

	return cmocka_run_group_tests_name("bpf_futex", tests, NULL, NULL);
}
