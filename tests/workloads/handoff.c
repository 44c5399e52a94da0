// SPDX-License-Identifier: GPL-2.0
/* Pairs of threads that hand a CPU to each other as fast as they can: handoff KIND MS CPU... with a pair on each CPU.
 * KIND: pipe or futex (each switch has a wake-up), or yield (none has). Prints `ready`, and when they have gone on for MS milliseconds
 * and all stand still: how many switches they made, in how many ns, the ns of CPU time that these took, and all switches of the
 * process from its fork on. */
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define PAIRS_MAX 64

enum kind { PIPE, FUTEX, YIELD, KIND_CNT };
static const char *const kind_names[KIND_CNT] = {"pipe", "futex", "yield"};

struct pair {
	int cpu;
	int from[2], to[2]; /* what each of the two reads, and writes */
	unsigned int turn;  /* whose it is */
	unsigned int ended_cnt;
};

struct half {
	struct pair *pair;
	unsigned int me;
};

static enum kind kind;
static int is_over;
static struct pair pairs[PAIRS_MAX];
static struct half halves[2 * PAIRS_MAX];

/* Waits for its turn and gives it to the other. */
static void pass(struct pair *pair, unsigned int me)
{
	char byte;

	switch (kind) {
	case PIPE:
		if (read(pair->from[me], &byte, 1) != 1 || write(pair->to[me], &byte, 1) != 1)
			exit(1);
		break;
	case FUTEX:
		while (__atomic_load_n(&pair->turn, __ATOMIC_ACQUIRE) != me)
			syscall(SYS_futex, &pair->turn, FUTEX_WAIT_PRIVATE, !me, NULL, NULL, 0);
		__atomic_store_n(&pair->turn, !me, __ATOMIC_RELEASE);
		syscall(SYS_futex, &pair->turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
		break;
	default:
		sched_yield();
	}
}

static void *run(void *arg)
{
	struct half *half = arg;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET((size_t)half->pair->cpu, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus))
		exit(1);
	while (!__atomic_load_n(&is_over, __ATOMIC_RELAXED))
		pass(half->pair, half->me);
	/* The other one waits for ever, or ends as well. */
	__atomic_add_fetch(&half->pair->ended_cnt, 1, __ATOMIC_RELEASE);
	return NULL;
}

static int pair__open(struct pair *pair)
{
	int there[2], back[2];

	if (pipe(there) || pipe(back))
		return -1;
	pair->from[0] = back[0];
	pair->to[0] = there[1];
	pair->from[1] = there[0];
	pair->to[1] = back[1];
	return write(back[1], "", 1) == 1 ? 0 : -1;
}

static unsigned long long now_ns(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (unsigned long long)time.tv_sec * 1000000000 + (unsigned long long)time.tv_nsec;
}

static unsigned long switches(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (unsigned long)(usage.ru_nvcsw + usage.ru_nivcsw);
}

int main(int argc, char **argv)
{
	unsigned long long wall_ns, cpu_ns;
	unsigned long switch_cnt;
	struct timespec time, tick = {.tv_nsec = 1000000};
	pthread_t thread;
	int i, half;
	long ms;

	if (argc < 4 || argc > 3 + PAIRS_MAX)
		return 2;
	while (kind < KIND_CNT && strcmp(argv[1], kind_names[kind]))
		kind++;
	if (kind == KIND_CNT)
		return 2;
	ms = atol(argv[2]);
	for (i = 3; i < argc; i++) {
		struct pair *pair = &pairs[i - 3];

		pair->cpu = atoi(argv[i]);
		if (pair__open(pair))
			return 1;
		for (half = 0; half < 2; half++) {
			halves[2 * (i - 3) + half] = (struct half){pair, (unsigned int)half};
			if (pthread_create(&thread, NULL, run, &halves[2 * (i - 3) + half]))
				return 1;
		}
	}
	puts("ready");
	fflush(stdout);
	wall_ns = now_ns(CLOCK_MONOTONIC);
	cpu_ns = now_ns(CLOCK_PROCESS_CPUTIME_ID);
	switch_cnt = switches();
	time = (struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
	nanosleep(&time, NULL);
	__atomic_store_n(&is_over, 1, __ATOMIC_RELAXED);
	switch_cnt = switches() - switch_cnt;
	cpu_ns = now_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu_ns;
	wall_ns = now_ns(CLOCK_MONOTONIC) - wall_ns;
	for (i = 3; i < argc; i++)
		while (!__atomic_load_n(&pairs[i - 3].ended_cnt, __ATOMIC_ACQUIRE))
			nanosleep(&tick, NULL);
	nanosleep(&tick, NULL);
	printf("%lu %llu %llu %lu\n", switch_cnt, wall_ns, cpu_ns, switches());
	return 0;
}
