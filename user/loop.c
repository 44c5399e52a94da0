// SPDX-License-Identifier: GPL-2.0
/* The epoll loop. */
#include "loop.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "process/clock.h"

#define EVENTS_MAX 32

struct source {
	int fd;
	bool is_timer;
	bool is_owned; /* close it with the loop */
	bool is_dead;  /* removed while events are being handed out */
	loop_fn fn;
	loop_signal_fn signal_fn;
	void *arg;
	struct source *next;
};

struct loop {
	int epoll_fd;
	bool is_stopped;
	bool has_dead; /* sources to free once no event of theirs can be in hand */
	struct source *sources;
	struct loop_turns turns;
};

int loop__new(struct loop **ret)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	int err;

	if (!loop)
		return -ENOMEM;
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0) {
		err = -errno;
		free(loop);
		return err;
	}
	*ret = loop;
	return 0;
}

void loop__free(struct loop *loop)
{
	struct source *source, *next;

	if (!loop)
		return;
	for (source = loop->sources; source; source = next) {
		next = source->next;
		if (source->is_owned)
			close(source->fd);
		free(source);
	}
	close(loop->epoll_fd);
	free(loop);
}

static int loop__add(struct loop *loop, const struct source *template)
{
	struct source *source = malloc(sizeof(*source));
	struct epoll_event event = {.events = EPOLLIN};

	if (!source)
		return -ENOMEM;
	*source = *template;
	event.data.ptr = source;
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, source->fd, &event)) {
		free(source);
		return -errno;
	}
	source->next = loop->sources;
	loop->sources = source;
	return 0;
}

int loop__add_fd(struct loop *loop, int fd, loop_fn fn, void *arg)
{
	return loop__add(loop, &(struct source){.fd = fd, .fn = fn, .arg = arg});
}

void loop__remove_fd(struct loop *loop, int fd)
{
	struct source *source;

	for (source = loop->sources; source; source = source->next) {
		if (source->fd != fd || source->is_dead)
			continue;
		epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
		source->is_dead = true; /* an event of it may still be in hand */
		loop->has_dead = true;
		return;
	}
}

int loop__set_timer(int timer_fd, uint64_t first_ns, uint64_t period_ns)
{
	struct itimerspec spec = {
		.it_value = {.tv_sec = (time_t)(first_ns / 1000000000),
			.tv_nsec = (long)(first_ns % 1000000000)},
		.it_interval = {.tv_sec = (time_t)(period_ns / 1000000000),
			.tv_nsec = (long)(period_ns % 1000000000)},
	};

	return timerfd_settime(timer_fd, 0, &spec, NULL) ? -errno : 0;
}

int loop__add_timer(struct loop *loop, uint64_t first_ns, uint64_t period_ns, loop_fn fn, void *arg)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), err;

	if (fd < 0)
		return -errno;
	err = loop__set_timer(fd, first_ns, period_ns);
	if (!err)
		err = loop__add(loop, &(struct source){.fd = fd,
					      .is_timer = true,
					      .is_owned = true,
					      .fn = fn,
					      .arg = arg});
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

int loop__add_signals(struct loop *loop, const int *signals, loop_signal_fn fn, void *arg)
{
	sigset_t set;
	int fd, err;

	sigemptyset(&set);
	for (; *signals; signals++)
		sigaddset(&set, *signals);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	err = loop__add(
		loop, &(struct source){.fd = fd, .is_owned = true, .signal_fn = fn, .arg = arg});
	if (err)
		close(fd);
	return err;
}

static void source__dispatch(struct source *source)
{
	struct signalfd_siginfo info;
	uint64_t expirations;

	if (source->signal_fn) {
		while (read(source->fd, &info, sizeof(info)) == sizeof(info))
			source->signal_fn(&info, source->arg);
		return;
	}
	/* A timer that ran out several times while the daemon was stopped is one turn, not many. */
	if (source->is_timer && read(source->fd, &expirations, sizeof(expirations)) < 0)
		return;
	source->fn(source->arg);
}

static void loop__free_dead(struct loop *loop)
{
	struct source **at = &loop->sources, *source;

	while ((source = *at)) {
		if (source->is_dead) {
			*at = source->next;
			free(source);
		} else {
			at = &source->next;
		}
	}
	loop->has_dead = false;
}

/* While a turn lasts nothing else is done: no drain, no line, no answer. */
static void loop__turn(struct loop *loop, const struct epoll_event *events, int cnt)
{
	uint64_t began_ns = clock__ns(CLOCK_MONOTONIC), ns;
	uint64_t began_cpu_ns = clock__ns(CLOCK_THREAD_CPUTIME_ID), cpu_ns;
	int i;

	for (i = 0; i < cnt; i++) {
		struct source *source = events[i].data.ptr;

		if (!source->is_dead)
			source__dispatch(source);
	}
	ns = clock__ns(CLOCK_MONOTONIC) - began_ns;
	cpu_ns = clock__ns(CLOCK_THREAD_CPUTIME_ID) - began_cpu_ns;
	loop->turns.cnt++;
	if (ns > loop->turns.max_ns)
		loop->turns.max_ns = ns;
	if (cpu_ns > loop->turns.max_cpu_ns)
		loop->turns.max_cpu_ns = cpu_ns;
}

void loop__turns(const struct loop *loop, struct loop_turns *ret)
{
	*ret = loop->turns;
}

int loop__run(struct loop *loop)
{
	struct epoll_event events[EVENTS_MAX];
	int cnt;

	while (!loop->is_stopped) {
		cnt = epoll_wait(loop->epoll_fd, events, EVENTS_MAX, -1);
		if (cnt < 0 && errno != EINTR)
			return -errno;
		loop__turn(loop, events, cnt);
		if (loop->has_dead)
			loop__free_dead(loop);
	}
	return 0;
}

void loop__stop(struct loop *loop)
{
	loop->is_stopped = true;
}
