// SPDX-License-Identifier: GPL-2.0
/* Heaps whose answer is known: heap_load MODE [ARG...]
 *
 *   threads N MS     N threads that allocate, hand blocks to one another and free all of them
 *   known MB         each of 4 functions allocates (and frees) so many megabytes, in blocks of its own size
 *   held MB          the same, but kept, in twice the memory
 *   live N           N live objects of 16 bytes
 *   loop MS          malloc(64) and free; prints nanoseconds of CPU time a pair each 100 ms
 *   fork             a child that frees what it inherited and leaks 1,000 bytes; the parent leaks 2,000
 *   killed           threads that end while they allocate
 *   late LIBRARY     allocates by a library that is opened after a second, another second later; WAIT_MS=0: opened at once, and
 *                    after another line it allocates
 *   paced MS         40 blocks each millisecond; prints how many there were in all
 *   zeros MS         calloc(100000) and free, so that most of the time is spent inside of calloc
 *   handler LIBRARY  callocs and frees while a signal's handler, on this stack and then on another one, leaks 100 blocks of 333 bytes by
 *                    a library's mi_malloc; prints how many callocs there were
 *   steps            leaks 20 blocks of 10,000 bytes for each line that it reads, and answers with one
 * WAIT_MS in the environment: how long to wait before it; 0: for a line on stdin.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SLOTS 4096

static void *volatile keep;
static void *slots[SLOTS];
static uint64_t end_ns;

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

static void *exchange_blocks(void *arg)
{
	uint64_t random = (uintptr_t)arg * 0x9e3779b97f4a7c15ull + 1;
	int i;

	while (now_ns() < end_ns) {
		for (i = 0; i < 100; i++) {
			size_t size, slot;
			void *block;

			random = random * 6364136223846793005ull + 1442695040888963407ull;
			slot = (random >> 33) % SLOTS;
			size = (random >> 20) % 2000;
			block = random >> 63 ? calloc(1, size)
					     : realloc(malloc(size / 2), size + 1);
			free(__atomic_exchange_n(&slots[slot], block, __ATOMIC_SEQ_CST));
		}
		usleep(1000);
	}
	return NULL;
}

static void run_threads(int cnt, int ms)
{
	pthread_t threads[64];
	int i;

	end_ns = now_ns() + (uint64_t)ms * 1000000;
	for (i = 0; i < cnt && i < 64; i++)
		pthread_create(&threads[i], NULL, exchange_blocks, (void *)(uintptr_t)i);
	for (i = 0; i < cnt && i < 64; i++)
		pthread_join(threads[i], NULL);
	for (i = 0; i < SLOTS; i++)
		free(slots[i]);
}

#define SITE(name, size)                                                                           \
	static __attribute__((noinline)) void name(size_t bytes, int is_kept)                      \
	{                                                                                          \
		size_t done;                                                                       \
                                                                                                   \
		for (done = 0; done < bytes; done += (size)) {                                     \
			keep = malloc(size);                                                       \
			if (!is_kept)                                                              \
				free(keep);                                                        \
		}                                                                                  \
	}

SITE(site_3000, 3000)
SITE(site_20000, 20000)
SITE(site_100000, 100000)
SITE(site_2000000, 2000000)

static void run_known(size_t bytes, int is_kept)
{
	site_3000(bytes, is_kept);
	site_20000(bytes, is_kept);
	site_100000(bytes, is_kept);
	site_2000000(bytes, is_kept);
}

static __attribute__((noinline)) void make_live(long cnt)
{
	while (cnt--)
		keep = malloc(16);
}

/* Other programs on the same CPU do not count. */
static uint64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

static __attribute__((noinline)) void run_loop(int ms)
{
	uint64_t end = now_ns() + (uint64_t)ms * 1000000;

	while (now_ns() < end) {
		uint64_t start = now_ns(), cpu_start = cpu_ns(), pairs = 0;

		while (now_ns() - start < 100000000) {
			int i;

			for (i = 0; i < 1000; i++) {
				keep = malloc(64);
				free(keep);
			}
			pairs += 1000;
		}
		printf("%.1f\n", (double)(cpu_ns() - cpu_start) / (double)pairs);
		fflush(stdout);
	}
}

static __attribute__((noinline)) void leak_in_child(void)
{
	keep = malloc(1000);
}

static __attribute__((noinline)) void leak_in_parent(void *blocks[10])
{
	int i;

	for (i = 0; i < 10; i++)
		blocks[i] = malloc(200);
}

static void run_fork(void)
{
	void *blocks[10];
	pid_t pid;
	int i;

	leak_in_parent(blocks);
	pid = fork();
	if (!pid) {
		/* the parent still has them; and the child's own are where they were */
		usleep(300000);
		for (i = 0; i < 10; i++)
			free(blocks[i]);
		for (i = 0; i < 10; i++)
			blocks[i] = malloc(200);
		for (i = 0; i < 10; i++)
			free(blocks[i]);
		leak_in_child();
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static void *allocate_until_killed(void *arg)
{
	(void)arg;
	pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, NULL);
	for (;;) {
		keep = realloc(malloc(100), 300);
		free(keep);
	}
	return NULL;
}

static void run_killed(void)
{
	pthread_t thread;
	pid_t pid;
	int i;

	for (i = 0; i < 20; i++) {
		pid = fork();
		if (!pid) {
			pthread_create(&thread, NULL, allocate_until_killed, NULL);
			usleep(20000);
			_exit(0); /* in the middle of it */
		}
		waitpid(pid, NULL, 0);
	}
}

static __attribute__((noinline)) void leak_by_late(void *(*allocate)(size_t))
{
	int i;

	for (i = 0; i < 100; i++)
		keep = allocate(777);
}

static void run_late(const char *path, int waits_for_line)
{
	void *library, *(*allocate)(size_t);
	char line[16];

	if (!waits_for_line)
		usleep(1000000);
	library = dlopen(path, RTLD_NOW);
	allocate = library ? (void *(*)(size_t))dlsym(library, "mi_malloc") : NULL;
	if (!allocate)
		exit(1);
	if (!waits_for_line)
		usleep(1000000);
	else if (read(STDIN_FILENO, line, sizeof(line)) < 0)
		exit(1);
	leak_by_late(allocate);
}

static __attribute__((noinline)) long take_and_give(void)
{
	int i;

	for (i = 0; i < 40; i++) {
		keep = malloc(100);
		free(keep);
	}
	return 40;
}

static void run_paced(int ms)
{
	uint64_t end = now_ns() + (uint64_t)ms * 1000000;
	long pairs = 0;

	while (now_ns() < end) {
		pairs += take_and_give();
		usleep(1000);
	}
	printf("%ld\n", pairs);
}

static __attribute__((noinline)) void run_zeros(int ms)
{
	uint64_t end = now_ns() + (uint64_t)ms * 1000000;

	while (now_ns() < end) {
		keep = calloc(1, 100000);
		free(keep);
	}
}

static void *(*allocate_in_handler)(size_t);
static volatile int in_handler_cnt;
static void *volatile kept_in_handler; /* what it interrupts uses the other one */

static __attribute__((noinline)) void leak_in_handler(void)
{
	kept_in_handler = allocate_in_handler(333);
}

static void handle_alarm(int signal)
{
	(void)signal;
	if (in_handler_cnt < 100) {
		leak_in_handler();
		in_handler_cnt++;
	}
}

static __attribute__((noinline)) long allocate_under_alarms(int flags)
{
	struct sigaction action = {.sa_handler = handle_alarm, .sa_flags = flags};
	struct itimerval often = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};
	long cnt = 0;

	in_handler_cnt = 0;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	for (; in_handler_cnt < 100; cnt++) {
		keep = calloc(1, 100000); /* most alarms come in here */
		free(keep);
	}
	setitimer(ITIMER_REAL, &never, NULL);
	return cnt;
}

static void run_handler(const char *path)
{
	static char memory[65536];
	stack_t other = {.ss_sp = memory, .ss_size = sizeof(memory)};
	void *library = dlopen(path, RTLD_NOW);
	char line[16];
	long cnt;

	allocate_in_handler = library ? (void *(*)(size_t))dlsym(library, "mi_malloc") : NULL;
	if (!allocate_in_handler || sigaltstack(&other, NULL))
		exit(1);
	allocate_in_handler(1); /* it is set up */
	if (read(STDIN_FILENO, line, sizeof(line)) < 0)
		exit(1);
	cnt = allocate_under_alarms(0);
	printf("%ld\n", cnt + allocate_under_alarms(SA_ONSTACK));
}

static __attribute__((noinline)) void leak_step(void)
{
	int i;

	for (i = 0; i < 20; i++)
		keep = malloc(10000);
}

static void run_steps(void)
{
	char line[16];

	while (read(STDIN_FILENO, line, sizeof(line)) > 0) {
		leak_step();
		if (write(STDOUT_FILENO, "done\n", 5) != 5)
			return;
	}
}

int main(int argc, char **argv)
{
	const char *wait_ms = getenv("WAIT_MS"), *mode = argc > 1 ? argv[1] : "";
	int first = argc > 2 ? atoi(argv[2]) : 0;
	char line[16];

	if (wait_ms && atoi(wait_ms))
		usleep((useconds_t)atoi(wait_ms) * 1000);
	else if (wait_ms && read(STDIN_FILENO, line, sizeof(line)) < 0)
		return 1;
	if (!strcmp(mode, "threads"))
		run_threads(first, argc > 3 ? atoi(argv[3]) : 1000);
	else if (!strcmp(mode, "known") || !strcmp(mode, "held"))
		run_known((size_t)first << 20, mode[0] == 'h');
	else if (!strcmp(mode, "live"))
		make_live(first);
	else if (!strcmp(mode, "loop"))
		run_loop(first);
	else if (!strcmp(mode, "fork"))
		run_fork();
	else if (!strcmp(mode, "killed"))
		run_killed();
	else if (!strcmp(mode, "paced"))
		run_paced(first);
	else if (!strcmp(mode, "zeros"))
		run_zeros(first);
	else if (!strcmp(mode, "steps"))
		run_steps();
	else if (!strcmp(mode, "handler") && argc > 2)
		run_handler(argv[2]);
	else if (!strcmp(mode, "late") && argc > 2)
		run_late(argv[2], wait_ms && !atoi(wait_ms));
	else
		return 2;
	return 0;
}
