/* SPDX-License-Identifier: GPL-2.0 */
/* The one epoll loop: descriptors, timers and signals, each with its function. */
#ifndef BPFPROF_LOOP_H
#define BPFPROF_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/signalfd.h>

struct loop;

/* A turn: what is done between two waits. */
struct loop_turns {
	uint64_t cnt;
	uint64_t max_ns; /* of the longest one */
	uint64_t
		max_cpu_ns; /* and the most CPU time in one: how late the daemon is by its own doing */
};

typedef void (*loop_fn)(void *arg);
typedef void (*loop_signal_fn)(const struct signalfd_siginfo *info, void *arg);

int loop__new(struct loop **ret);
void loop__free(struct loop *loop);
/* Calls fn whenever fd is readable. The descriptor stays the caller's. 0 or -errno. */
int loop__add_fd(struct loop *loop, int fd, loop_fn fn, void *arg);
void loop__remove_fd(struct loop *loop, int fd);
/* Calls fn every period_ns, first after first_ns. Returns a timer's descriptor, owned by the loop, or -errno. */
int loop__add_timer(
	struct loop *loop, uint64_t first_ns, uint64_t period_ns, loop_fn fn, void *arg);
/* 0, 0 stops the timer. */
int loop__set_timer(int timer_fd, uint64_t first_ns, uint64_t period_ns);
/* Blocks the signals and hands them to fn. signals: ends in 0. */
int loop__add_signals(struct loop *loop, const int *signals, loop_signal_fn fn, void *arg);
/* Runs until loop__stop(). 0 or -errno. */
int loop__run(struct loop *loop);
void loop__turns(const struct loop *loop, struct loop_turns *ret);
void loop__stop(struct loop *loop);

#endif
