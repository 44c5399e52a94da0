// SPDX-License-Identifier: GPL-2.0
/* Two threads of a kind that want a CPU all the time, and one that wants it now and then, all on one CPU: crowd CPU. Prints
 * `ready` when they run. */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

__attribute__((noinline)) static void burn(void)
{
	for (volatile long i = 0; i < 10000000; i++)
		;
	__asm__ volatile("");
}

__attribute__((noinline)) static void nap(void)
{
	struct timespec time = {.tv_nsec = 3000000};

	nanosleep(&time, NULL);
	__asm__ volatile("");
}

static void *hog(void *arg)
{
	pthread_setname_np(pthread_self(), "hog");
	for (;;)
		burn();
	return arg;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	cpu_set_t cpus;

	if (argc != 2)
		return 2;
	CPU_ZERO(&cpus);
	CPU_SET(atoi(argv[1]), &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	setpriority(
		PRIO_PROCESS, 0, -5); /* mostly they wait for each other, whoever else runs here */
	pthread_create(&thread, NULL, hog, NULL);
	pthread_create(&thread, NULL, hog, NULL);
	puts("ready");
	fflush(stdout);
	for (;;)
		nap();
}
