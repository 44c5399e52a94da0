// SPDX-License-Identifier: GPL-2.0
/* A lock that is held for a known time by functions with names: locks SECONDS [split]. Prints how long the others waited for it, in
 * nanoseconds; with split also how much of it began while hold_long() had the lock, and hold_short(). */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define NOINLINE   __attribute__((noinline, noclone))
#define WAITER_CNT 3

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static volatile int done;
static unsigned long long waited_ns;
/* Who has the lock, as waiters see it when they begin to wait, and what waits began so. */
static volatile enum { OTHER, LONG, SHORT, HOLDER_CNT } holder;
static unsigned long long began_ns[HOLDER_CNT];

static unsigned long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (unsigned long long)now.tv_sec * 1000000000ull + (unsigned long long)now.tv_nsec;
}

static void doze(long us)
{
	struct timespec time = {.tv_nsec = us * 1000};

	nanosleep(&time, NULL);
}

NOINLINE void hold_long(void)
{
	pthread_mutex_lock(&mutex);
	holder = LONG;
	doze(9000);
	holder = OTHER;
	pthread_mutex_unlock(&mutex);
	__asm__ volatile("");
}

NOINLINE void hold_short(void)
{
	pthread_mutex_lock(&mutex);
	holder = SHORT;
	doze(3000);
	holder = OTHER;
	pthread_mutex_unlock(&mutex);
	__asm__ volatile("");
}

NOINLINE void want_it(void)
{
	unsigned long long before = now_ns(), ns;
	int who = holder;

	pthread_mutex_lock(&mutex);
	ns = now_ns() - before;
	waited_ns += ns;
	began_ns[who] += ns;
	pthread_mutex_unlock(&mutex);
	__asm__ volatile("");
}

static void *hold(void *arg)
{
	while (!done) {
		hold_long();
		doze(5000);
		hold_short();
		doze(5000);
	}
	return arg;
}

static void *want(void *arg)
{
	while (!done) {
		want_it();
		doze(1000);
	}
	return arg;
}

int main(int argc, char **argv)
{
	pthread_t threads[WAITER_CNT + 1];
	struct timespec time = {.tv_sec = argc > 1 ? atoi(argv[1]) : 2};
	int i;

	for (i = 0; i <= WAITER_CNT; i++)
		if (pthread_create(&threads[i], NULL, i ? want : hold, NULL))
			return 1;
	nanosleep(&time, NULL);
	done = 1;
	for (i = 0; i <= WAITER_CNT; i++)
		pthread_join(threads[i], NULL);
	if (argc > 2)
		printf("%llu %llu %llu\n", waited_ns, began_ns[LONG], began_ns[SHORT]);
	else
		printf("%llu\n", waited_ns);
	return 0;
}
