// SPDX-License-Identifier: GPL-2.0
/* Waits of every kind, each in a function and a thread of its own: waits SECONDS [FILE]. Prints `NAME COUNT NANOSECONDS`: how
 * often it waited, and the time that passed without it being on a CPU, by the kernel's clocks. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline, noclone))

struct waiter {
	const char *name;
	void (*wait)(void);
	unsigned long cnt;
	unsigned long long ns;
};

static int pipe_fds[2], socket_fds[2], empty_fds[2], epoll_fd;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static unsigned int turn;
static double seconds;

static unsigned long long clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (unsigned long long)now.tv_sec * 1000000000ull + (unsigned long long)now.tv_nsec;
}

/* Time that this thread was not on a CPU, from a moment that does not matter. */
static unsigned long long away_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC) - clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

static void doze(long us)
{
	struct timespec time = {.tv_nsec = us * 1000};

	nanosleep(&time, NULL);
}

NOINLINE static void wait_nanosleep(void)
{
	doze(20000);
	__asm__ volatile("");
}

NOINLINE static void wait_poll(void)
{
	struct pollfd poll_fd = {.fd = empty_fds[0], .events = POLLIN};

	poll(&poll_fd, 1, 30);
	__asm__ volatile("");
}

NOINLINE static void wait_epoll(void)
{
	struct epoll_event event;

	epoll_wait(epoll_fd, &event, 1, 25);
	__asm__ volatile("");
}

NOINLINE static void wait_pipe(void)
{
	char byte;

	if (read(pipe_fds[0], &byte, 1) != 1)
		exit(1);
	__asm__ volatile("");
}

NOINLINE static void wait_socket(void)
{
	char byte;

	if (recv(socket_fds[0], &byte, 1, 0) != 1)
		exit(1);
	__asm__ volatile("");
}

NOINLINE static void wait_cond(void)
{
	unsigned int seen;

	pthread_mutex_lock(&mutex);
	seen = turn;
	while (turn == seen)
		pthread_cond_wait(&cond, &mutex);
	pthread_mutex_unlock(&mutex);
	__asm__ volatile("");
}

static struct waiter waiters[] = {
	{.name = "wait_nanosleep", .wait = wait_nanosleep},
	{.name = "wait_poll", .wait = wait_poll},
	{.name = "wait_epoll", .wait = wait_epoll},
	{.name = "wait_pipe", .wait = wait_pipe},
	{.name = "wait_socket", .wait = wait_socket},
	{.name = "wait_cond", .wait = wait_cond},
};
#define WAITER_CNT (sizeof(waiters) / sizeof(waiters[0]))

static void *run(void *arg)
{
	struct waiter *waiter = arg;
	unsigned long long end = clock_ns(CLOCK_MONOTONIC) + (unsigned long long)(seconds * 1e9);
	unsigned long long before;

	pthread_setname_np(pthread_self(), waiter->name);
	while (clock_ns(CLOCK_MONOTONIC) < end) {
		before = away_ns();
		waiter->wait();
		waiter->ns += away_ns() - before;
		waiter->cnt++;
	}
	return NULL;
}

/* Lets the others go on, every 15 ms. */
static void *feed(void *arg)
{
	for (;;) {
		doze(15000);
		if (write(pipe_fds[1], "", 1) != 1 || write(socket_fds[1], "", 1) != 1)
			exit(1);
		pthread_mutex_lock(&mutex);
		turn++;
		pthread_mutex_unlock(&mutex);
		pthread_cond_signal(&cond);
	}
	return arg;
}

/* Reads of a file that is not in the page cache, 64 KiB at a time. */
NOINLINE static void wait_disk(const char *path, unsigned long long *ns, unsigned long *cnt)
{
	static char buf[65536];
	int fd = open(path, O_RDONLY);
	unsigned long long before;
	ssize_t got;

	if (fd < 0)
		return;
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
	do {
		before = away_ns();
		got = read(fd, buf, sizeof(buf));
		*ns += away_ns() - before;
		(*cnt)++;
	} while (got > 0);
	close(fd);
}

int main(int argc, char **argv)
{
	struct epoll_event event = {.events = EPOLLIN};
	unsigned long long disk_ns = 0;
	unsigned long disk_cnt = 0;
	pthread_t threads[WAITER_CNT], feeder;
	size_t i;

	if (argc < 2 || pipe(pipe_fds) || pipe(empty_fds) ||
		socketpair(AF_UNIX, SOCK_STREAM, 0, socket_fds))
		return 2;
	seconds = atof(argv[1]);
	epoll_fd = epoll_create1(0);
	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, empty_fds[0], &event);
	pthread_create(&feeder, NULL, feed, NULL);
	for (i = 0; i < WAITER_CNT; i++)
		pthread_create(&threads[i], NULL, run, &waiters[i]);
	if (argc > 2)
		wait_disk(argv[2], &disk_ns, &disk_cnt);
	for (i = 0; i < WAITER_CNT; i++) {
		pthread_join(threads[i], NULL);
		printf("%s %lu %llu\n", waiters[i].name, waiters[i].cnt, waiters[i].ns);
	}
	printf("wait_disk %lu %llu\n", disk_cnt, disk_ns);
	return 0;
}
