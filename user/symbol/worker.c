// SPDX-License-Identifier: GPL-2.0
/* Forks, limits, reads from and reaps one child process. */
#include "symbol/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process/clock.h"

static void limit(int resource, rlim_t value)
{
	struct rlimit limits;

	if (getrlimit(resource, &limits) != 0)
		return;
	if (limits.rlim_max == RLIM_INFINITY || limits.rlim_max > value)
		limits.rlim_cur = limits.rlim_max = value;
	setrlimit(resource, &limits);
}

static void be_child(pid_t parent, size_t memory_bytes, unsigned int ms)
{
	sigset_t none;
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	/* The daemon's handlers and mask are not the child's: a crash must be one. */
	for (int number = 1; number < NSIG; number++)
		signal(number, number == SIGPIPE ? SIG_IGN : SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_CPU, ms / 1000 + 1);
#ifndef __SANITIZE_ADDRESS__ /* whose shadow memory is larger than any limit */
	limit(RLIMIT_DATA, memory_bytes);
#else
	(void)memory_bytes;
#endif
	/* Should memory run out, this is what to end. */
	fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		if (write(fd, "1000", 4) != 4) {
			/* then it is as likely as the daemon */
		}
		close(fd);
	}
}

int worker__start(struct worker *worker, void (*fn)(int out, void *arg), void *arg,
	size_t memory_bytes, unsigned int ms)
{
	pid_t parent = getpid();
	int pipes[2];

	if (pipe2(pipes, O_CLOEXEC) != 0)
		return -errno;
	worker->pid = fork();
	if (worker->pid < 0) {
		int err = -errno;

		close(pipes[0]);
		close(pipes[1]);
		return err;
	}
	if (worker->pid == 0) {
		close(pipes[0]);
		be_child(parent, memory_bytes, ms);
		fn(pipes[1], arg);
		_exit(0);
	}
	close(pipes[1]);
	worker->fd = pipes[0];
	worker->deadline_ns = (int64_t)clock__ns(CLOCK_MONOTONIC) + ms * 1000000ll;
	worker->at = worker->len = 0;
	return 0;
}

static bool fill(struct worker *worker)
{
	for (;;) {
		struct pollfd poll_fd = {.fd = worker->fd, .events = POLLIN};
		int64_t left_ns = worker->deadline_ns - (int64_t)clock__ns(CLOCK_MONOTONIC);
		ssize_t n;

		if (left_ns <= 0)
			return false;
		n = poll(&poll_fd, 1, left_ns / 1000000 + 1);
		if (n < 0 && errno != EINTR)
			return false;
		if (n <= 0)
			continue;
		n = read(worker->fd, worker->buf, sizeof(worker->buf));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		worker->at = 0;
		worker->len = n;
		return true;
	}
}

bool worker__read(struct worker *worker, void *buf, size_t bytes)
{
	char *to = buf;

	while (bytes) {
		size_t n = worker->len - worker->at;

		if (n == 0) {
			if (!fill(worker))
				return false;
			continue;
		}
		n = n < bytes ? n : bytes;
		memcpy(to, worker->buf + worker->at, n);
		worker->at += n;
		to += n;
		bytes -= n;
	}
	return true;
}

bool worker__stop(struct worker *worker)
{
	struct pollfd poll_fd = {.fd = worker->fd, .events = 0};
	int status;

	/* One that has closed its end is about to leave; any other one is ended. */
	if (poll(&poll_fd, 1, 0) != 1 || !(poll_fd.revents & POLLHUP))
		kill(worker->pid, SIGKILL);
	close(worker->fd);
	while (waitpid(worker->pid, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
