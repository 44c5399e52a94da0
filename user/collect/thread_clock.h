/* SPDX-License-Identifier: GPL-2.0 */
/* Stacks of threads that run, taken by a clock on each of them: they are neither stopped nor signalled. */
#ifndef COLLECT_THREAD_CLOCK_H
#define COLLECT_THREAD_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "thread.h"

struct shared;
struct thread_clock;

int thread_clock__open(struct shared *shared, struct thread_clock **ret, const char **ret_reason);
void thread_clock__close(struct thread_clock *clock);
/* Puts a clock on a thread that has none. 0; -ESRCH: it is gone; -errno. */
int thread_clock__start(struct thread_clock *clock, uint32_t tid);
/* Takes out what the thread's clock found since the start, or the last take. False: it has not met the thread yet. */
bool thread_clock__take(struct thread_clock *clock, uint32_t tid, struct thread_sample *ret);
/* Takes all clocks away, and what they found. */
void thread_clock__stop(struct thread_clock *clock);

#endif
