// SPDX-License-Identifier: GPL-2.0
/* dump THREADS: so many threads, each some calls deep in frames of different sizes, waiting in as many ways as there are. Threads are
 * made by make_even and make_odd in turn. Prints "ready" when all wait. dump THREADS create: makes them on SIGUSR1. */
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static sem_t started;
static int fds[2];

static __attribute__((noinline)) void wait_here(long how)
{
	struct timespec long_time = {.tv_sec = 100000};
	struct pollfd pollfd = {.fd = fds[0], .events = POLLIN};
	struct epoll_event event;
	char byte;
	int fd;

	switch (how % 5) {
	case 0:
		pthread_mutex_lock(&mutex);
		for (;;)
			pthread_cond_wait(&cond, &mutex);
	case 1:
		nanosleep(&long_time, NULL);
		break;
	case 2:
		poll(&pollfd, 1, -1);
		break;
	case 3:
		/* a debugger that comes and goes ends it with EINTR */
		fd = epoll_create1(0);
		while (epoll_wait(fd, &event, 1, -1) < 0)
			;
		break;
	default:
		if (read(fds[0], &byte, 1) < 0)
			abort();
	}
}

static __attribute__((noinline)) void go_deeper(long depth, long how)
{
	volatile char frame[16 + 24 * (depth % 7)];

	frame[0] = (char)depth;
	if (depth)
		go_deeper(depth - 1, how);
	else
		wait_here(how);
	frame[1] = frame[0];
}

static void *run_thread(void *arg)
{
	long i = (long)arg;

	sem_post(&started);
	go_deeper(i % 40, i);
	return NULL;
}

static pthread_attr_t attr;

static __attribute__((noinline)) void make_even(long i)
{
	pthread_t thread;

	if (pthread_create(&thread, &attr, run_thread, (void *)i))
		exit(1);
	sem_wait(&started);
}

static __attribute__((noinline)) void make_odd(long i)
{
	pthread_t thread;

	__asm__ volatile("# not the same code as make_even's, or the compiler makes them one");
	if (pthread_create(&thread, &attr, run_thread, (void *)i))
		exit(1);
	sem_wait(&started);
}

int main(int argc, char **argv)
{
	long cnt = argc > 1 ? atol(argv[1]) : 0, i;
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sem_init(&started, 0, 0);
	if (pipe(fds) || pthread_attr_init(&attr) || pthread_attr_setstacksize(&attr, 128 * 1024))
		return 1;
	if (argc > 2) {
		make_even(0); /* one that is older than whoever looks */
		puts("ready");
		fflush(stdout);
		sigwait(&set, &sig);
	}
	for (i = 0; i < cnt; i++)
		if (i % 2)
			make_odd(i);
		else
			make_even(i);
	usleep(100000);
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
