// SPDX-License-Identifier: GPL-2.0
/* Threads that wait for ever: blockers THREADS [MS]. Prints `ready` when all of them wait. With MS it ends after so many
 * milliseconds, with all of them still waiting; else it waits as well. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static int fds[2];
static unsigned int begun_cnt;

__attribute__((noinline, noclone)) static void *block_for_ever(void *arg)
{
	char byte;

	__sync_fetch_and_add(&begun_cnt, 1);
	if (read(fds[0], &byte, 1) != 1)
		exit(1);
	__asm__ volatile("");
	return arg;
}

int main(int argc, char **argv)
{
	unsigned int cnt = argc > 1 ? (unsigned int)atoi(argv[1]) : 1, i;
	struct timespec tick = {.tv_nsec = 1000000}, time = {0};
	pthread_attr_t attr;
	pthread_t thread;
	long ms;

	if (pipe(fds))
		return 1;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	for (i = 0; i < cnt; i++) {
		if (pthread_create(&thread, &attr, block_for_ever, NULL)) {
			perror("pthread_create");
			return 1;
		}
	}
	while (__sync_fetch_and_add(&begun_cnt, 0) < cnt)
		nanosleep(&tick, NULL);
	nanosleep(&tick, NULL);
	puts("ready");
	fflush(stdout);
	if (argc < 3)
		pause();
	ms = atol(argv[2]);
	time.tv_sec = ms / 1000;
	time.tv_nsec = ms % 1000 * 1000000;
	nanosleep(&time, NULL);
	_exit(0);
}
