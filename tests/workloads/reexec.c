// SPDX-License-Identifier: GPL-2.0
/* reexec HOW CNT MS: burns MS in burn_odd or burn_even and executes itself anew, CNT times, in the same process.
 * HOW: leader, or thread (exec is called by another thread than the leader, while further ones run). */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "burn.h"

BURN_ROUNDS(burn_odd)
BURN_ROUNDS(burn_even)

static char **args;

static void burn_and_exec(void)
{
	int cnt = atoi(args[2]), ms = atoi(args[3]);
	char left[16];
	char *argv[] = {args[0], args[1], left, args[3], NULL};

	if (cnt & 1)
		BURN_CPU_MS(burn_odd, ms);
	else
		BURN_CPU_MS(burn_even, ms);
	if (cnt <= 1)
		exit(0);
	snprintf(left, sizeof(left), "%d", cnt - 1);
	execv("/proc/self/exe", argv);
	exit(127);
}

static void *run_thread(void *arg)
{
	if (arg)
		for (;;)
			pause();
	burn_and_exec();
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	if (argc != 4)
		return 2;
	args = argv;
	if (!strcmp(argv[1], "leader"))
		burn_and_exec();
	if (pthread_create(&thread, NULL, run_thread, args) ||
		pthread_create(&thread, NULL, run_thread, NULL))
		return 1;
	for (;;)
		pause();
}
