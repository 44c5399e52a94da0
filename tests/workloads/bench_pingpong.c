// SPDX-License-Identifier: GPL-2.0
/* Two processes on one CPU that pass a byte through pipes: bench_pingpong ROUNDS CPU prints the ns of CPU time that the two take a switch (2
 * switches a round): strangers on the CPU are not in it. */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static double cpu_ns(int who)
{
	struct rusage usage;

	getrusage(who, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e9 +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e3;
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
	double start, taken;
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
	start = cpu_ns(RUSAGE_SELF);
	if (write(there[1], "", 1) != 1)
		return 1;
	for (i = 1; i < rounds; i++)
		pass(back[0], there[1]);
	taken = cpu_ns(RUSAGE_SELF) - start;
	close(there[1]);
	waitpid(child, NULL, 0);
	printf("%.1f\n", (taken + cpu_ns(RUSAGE_CHILDREN)) / 2 / (double)rounds);
	return 0;
}
