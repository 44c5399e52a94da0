// SPDX-License-Identifier: GPL-2.0
/* Writing an answer in a child process. */
#include "serve/job.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "process/clock.h"
#include "serve/watch.h"

#define RUNNING_MAX  2
#define SECONDS_MAX  60
#define ANSWER_BYTES (256ull << 20)
#define MEMORY_BYTES (1ull << 30)

struct job {
	struct watch watch;
	struct jobs *jobs;
	job_write_fn write;
	job_done_fn done;
	void *arg;
	pid_t pid; /* 0: waits for its turn */
	int pid_fd, answer_fd;
	time_t deadline;
	struct job *next; /* in the order they came */
};

struct jobs {
	int epoll_fd;
	struct job *first;
	size_t cnt, running_cnt;
};

struct jobs *jobs__new(int epoll_fd)
{
	struct jobs *jobs = calloc(1, sizeof(*jobs));

	if (jobs)
		jobs->epoll_fd = epoll_fd;
	return jobs;
}

static void limit(int resource, rlim_t value)
{
	struct rlimit limits;

	if (getrlimit(resource, &limits))
		return;
	if (limits.rlim_max == RLIM_INFINITY || limits.rlim_max > value)
		limits.rlim_cur = limits.rlim_max = value;
	setrlimit(resource, &limits);
}

/* A client that leaves must be seen to have left: nobody else may hold its connection. Nor do the epoll sets need a
 * second owner. */
static void child__close_sockets(void)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	struct stat st;

	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		int fd = atoi(entry->d_name);

		if (fd > 2 && !fstat(fd, &st) && S_ISSOCK(st.st_mode))
			close(fd);
	}
	closedir(dir);
}

static void child__limit(pid_t parent)
{
	sigset_t none;
	int number, fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	/* The daemon's handlers and mask are not the child's: a crash must be one. */
	for (number = 1; number < NSIG; number++)
		signal(number, number == SIGPIPE ? SIG_IGN : SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setpriority(PRIO_PROCESS, 0, 5); /* the drain and the lines go first */
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_CPU, SECONDS_MAX);
	limit(RLIMIT_FSIZE, ANSWER_BYTES);
#ifndef __SANITIZE_ADDRESS__ /* whose shadow memory is larger than any limit */
	limit(RLIMIT_DATA, MEMORY_BYTES);
#endif
	fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		if (write(fd, "1000", 4) != 4) {
			/* then it is as likely as the daemon */
		}
		close(fd);
	}
}

/* The exit status is the errno, which the parent turns back. */
static _Noreturn void child__run(struct job *job, pid_t parent)
{
	FILE *out;
	int err;

	child__close_sockets();
	child__limit(parent);
	out = fdopen(job->answer_fd, "w");
	err = out ? job->write(out, job->arg) : -ENOMEM;
	if (!err && fflush(out))
		err = -errno;
	_exit(err < 0 && err > -250 ? -err : err ? 250 : 0);
}

static int job__fork(struct job *job)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = &job->watch};
	pid_t parent = getpid();

	job->answer_fd = memfd_create("bpfprof-answer", MFD_CLOEXEC);
	if (job->answer_fd < 0)
		return -errno;
	fflush(NULL);
	job->pid = fork();
	if (job->pid < 0)
		return -errno;
	if (!job->pid)
		child__run(job, parent);
	job->pid_fd = (int)syscall(SYS_pidfd_open, job->pid, 0);
	if (job->pid_fd < 0 || epoll_ctl(job->jobs->epoll_fd, EPOLL_CTL_ADD, job->pid_fd, &event))
		return -errno;
	return 0;
}

/* Of what was started; the job stays on the list. */
static void job__reap(struct job *job, bool is_ended)
{
	if (job->pid_fd >= 0) {
		epoll_ctl(job->jobs->epoll_fd, EPOLL_CTL_DEL, job->pid_fd, NULL);
		close(job->pid_fd);
		job->pid_fd = -1;
	}
	if (job->pid > 0 && !is_ended) {
		kill(job->pid, SIGKILL);
		while (waitpid(job->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	job->pid = 0;
}

static void job__remove(struct job *job)
{
	struct job **at = &job->jobs->first;

	while (*at != job)
		at = &(*at)->next;
	*at = job->next;
	job->jobs->cnt--;
	if (job->answer_fd >= 0)
		close(job->answer_fd);
	free(job);
}

static void job__finish(struct job *job, int err)
{
	job_done_fn done = job->done;
	void *arg = job->arg;
	int fd = job->answer_fd;
	struct stat st = {0};

	if (!err && fstat(fd, &st))
		err = -errno;
	if (!err)
		job->answer_fd = -1;
	job__remove(job);
	done(err, err ? -1 : fd, (uint64_t)st.st_size, arg);
}

static void jobs__start_next(struct jobs *jobs)
{
	struct job *job = jobs->first;
	int err;

	while (job && jobs->running_cnt < RUNNING_MAX) {
		if (job->pid) {
			job = job->next;
			continue;
		}
		err = job__fork(job);
		if (!err) {
			job->deadline = clock__seconds(CLOCK_MONOTONIC) + SECONDS_MAX;
			jobs->running_cnt++;
			continue;
		}
		job__reap(job, false);
		job__finish(job, err);
		job = jobs->first; /* done may have changed the list */
	}
}

static int status__to_err(int status)
{
	if (WIFEXITED(status))
		return -WEXITSTATUS(status);
	if (!WIFSIGNALED(status))
		return -EIO;
	return WTERMSIG(status) == SIGXCPU   ? -ETIMEDOUT
	       : WTERMSIG(status) == SIGXFSZ ? -EFBIG
					     : -EIO;
}

static void job__on_ready(struct watch *watch)
{
	struct job *job = (struct job *)watch;
	struct jobs *jobs = job->jobs;
	int status;
	pid_t pid = waitpid(job->pid, &status, WNOHANG);

	if (pid == 0)
		return;
	jobs->running_cnt--;
	job__reap(job, true);
	job__finish(job, pid < 0 ? -EIO : status__to_err(status));
}

struct job *jobs__add(struct jobs *jobs, job_write_fn write, job_done_fn done, void *arg)
{
	struct job *job = calloc(1, sizeof(*job)), **at = &jobs->first;

	if (!job)
		return NULL;
	*job = (struct job){.watch = {job__on_ready},
		.jobs = jobs,
		.write = write,
		.done = done,
		.arg = arg,
		.pid_fd = -1,
		.answer_fd = -1};
	while (*at)
		at = &(*at)->next;
	*at = job;
	jobs->cnt++;
	return job;
}

void job__cancel(struct job *job)
{
	struct jobs *jobs = job->jobs;

	if (job->pid)
		jobs->running_cnt--;
	job__reap(job, false);
	job__remove(job);
}

void jobs__turn(struct jobs *jobs)
{
	struct job *job = jobs->first, *next;
	time_t now = clock__seconds(CLOCK_MONOTONIC);

	for (; job; job = next) {
		next = job->next;
		if (!job->pid || now < job->deadline)
			continue;
		jobs->running_cnt--;
		job__reap(job, false);
		job__finish(job, -ETIMEDOUT);
		next = jobs->first;
	}
	jobs__start_next(jobs);
}

size_t jobs__cnt(const struct jobs *jobs)
{
	return jobs->cnt;
}

void jobs__free(struct jobs *jobs)
{
	if (!jobs)
		return;
	while (jobs->first)
		job__cancel(jobs->first);
	free(jobs);
}
