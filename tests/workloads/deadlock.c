// SPDX-License-Identifier: GPL-2.0
/* deadlock: two threads take two mutexes in opposite order, and each waits for ever for the other's. Prints "ready" when both do. */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static pthread_mutex_t accounts = PTHREAD_MUTEX_INITIALIZER, journal = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t both_hold_one;

static void lock_second(pthread_mutex_t *mutex)
{
	pthread_barrier_wait(&both_hold_one);
	pthread_mutex_lock(mutex);
	pthread_mutex_unlock(mutex);
}

static __attribute__((noinline)) void transfer_money(void)
{
	pthread_mutex_lock(&accounts);
	lock_second(&journal);
	pthread_mutex_unlock(&accounts);
}

static __attribute__((noinline)) void write_journal(void)
{
	pthread_mutex_lock(&journal);
	lock_second(&accounts);
	pthread_mutex_unlock(&journal);
}

static void *run_teller(void *arg)
{
	pthread_setname_np(pthread_self(), "teller");
	transfer_money();
	return arg;
}

static void *run_auditor(void *arg)
{
	pthread_setname_np(pthread_self(), "auditor");
	write_journal();
	return arg;
}

int main(void)
{
	pthread_t teller, auditor;

	pthread_barrier_init(&both_hold_one, NULL, 3);
	if (pthread_create(&teller, NULL, run_teller, NULL) ||
		pthread_create(&auditor, NULL, run_auditor, NULL))
		return 1;
	pthread_barrier_wait(&both_hold_one);
	usleep(100000);
	puts("ready");
	fflush(stdout);
	pthread_join(teller, NULL);
	return 0;
}
