// SPDX-License-Identifier: GPL-2.0
/* Two processes on one CPU that pass a byte through pipes: bench_pingpong ROUNDS CPU prints ns a switch (2 switches a round). */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void pass(int from, int to)
{
	char byte;

	if (read(from, &byte, 1) != 1 || write(to, &byte, 1) != 1)
		_exit(0);
}

int main(int argc, char **argv)
{
	int there[2], back[2];
	unsigned long rounds, i;
	cpu_set_t cpus;
	double start;
	pid_t child;

	if (argc != 3 || pipe(there) || pipe(back))
		return 2;
	rounds = strtoul(argv[1], NULL, 10);
	CPU_ZERO(&cpus);
	CPU_SET((size_t)atoi(argv[2]), &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus))
		return 1;
	child = fork();
	if (child < 0)
		return 1;
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(there[1]);
		for (;;)
			pass(there[0], back[1]);
	}
	start = now_ns();
	if (write(there[1], "", 1) != 1)
		return 1;
	for (i = 1; i < rounds; i++)
		pass(back[0], there[1]);
	printf("%.1f\n", (now_ns() - start) / 2 / (double)rounds);
	close(there[1]);
	waitpid(child, NULL, 0);
	return 0;
}
