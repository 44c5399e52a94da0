// SPDX-License-Identifier: GPL-2.0
/* Many that wait: bench_crowd processes|threads CNT prints "ready" when there are so many, and waits until stdin ends. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define STACK_BYTES 32768 /* 20,000 of them stay small */

static void *wait_for_ever(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return NULL;
}

static int make_threads(long cnt)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	while (cnt-- > 1)
		if (pthread_create(&thread, &attr, wait_for_ever, NULL))
			return 1;
	return 0;
}

static int make_processes(long cnt)
{
	pid_t parent = getpid();

	while (cnt-- > 1) {
		pid_t child = fork();

		if (child < 0)
			return 1;
		if (child)
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(0);
		wait_for_ever(NULL);
	}
	return 0;
}

int main(int argc, char **argv)
{
	long cnt = argc == 3 ? atol(argv[2]) : 0;
	char byte;

	if (cnt < 1)
		return 2;
	signal(SIGCHLD, SIG_IGN);
	if (strcmp(argv[1], "threads") ? make_processes(cnt) : make_threads(cnt)) {
		perror("bench_crowd");
		return 1;
	}
	puts("ready");
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	return 0;
}
