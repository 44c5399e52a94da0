// SPDX-License-Identifier: GPL-2.0
/* Four threads that want one CPU, each waiting for it in a function of its own, for MS milliseconds: queue CPU MS. A thread has its
 * function's name from there on. None of them goes before others when it is woken (SCHED_BATCH), so that all wait long. */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

static int fds[2];

/* Stays on the CPU: its thread waits when it was preempted, or in what calls it. */
static inline __attribute__((always_inline)) void work(unsigned long cnt)
{
	for (volatile unsigned long i = 0; i < cnt; i++)
		;
}

__attribute__((noinline, noclone)) static void *queue_work(void *arg)
{
	prctl(PR_SET_NAME, "queue_work");
	for (;;)
		work(1000000);
	return arg;
}

__attribute__((noinline, noclone)) static void *queue_yield(void *arg)
{
	prctl(PR_SET_NAME, "queue_yield");
	for (;;) {
		work(500000);
		sched_yield();
	}
	return arg;
}

__attribute__((noinline, noclone)) static void *queue_nap(void *arg)
{
	struct timespec time = {.tv_nsec = 8000000};

	prctl(PR_SET_NAME, "queue_nap");
	for (;;) {
		nanosleep(&time, NULL);
		if (write(fds[1], "", 1) != 1)
			exit(1);
		work(1000000); /* while the reader waits for its turn */
	}
	return arg;
}

__attribute__((noinline, noclone)) static void *queue_read(void *arg)
{
	char byte;

	prctl(PR_SET_NAME, "queue_read");
	while (read(fds[0], &byte, 1) == 1)
		work(400000);
	return arg;
}

int main(int argc, char **argv)
{
	static void *(*const functions[])(void *) = {
		queue_work, queue_yield, queue_nap, queue_read};
	struct sched_param none = {0};
	pthread_t thread;
	cpu_set_t cpus;
	int i;

	if (argc != 3 || pipe(fds))
		return 2;
	CPU_ZERO(&cpus);
	CPU_SET((size_t)atoi(argv[1]), &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus) || sched_setscheduler(0, SCHED_BATCH, &none))
		return 1;
	for (i = 0; i < 4; i++)
		if (pthread_create(&thread, NULL, functions[i], NULL))
			return 1;
	usleep((useconds_t)atoi(argv[2]) * 1000);
	_exit(0);
}
