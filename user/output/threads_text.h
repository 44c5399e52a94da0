/* SPDX-License-Identifier: GPL-2.0 */
/* Threads and their stacks as text, as Go prints goroutines. */
#ifndef OUTPUT_THREADS_TEXT_H
#define OUTPUT_THREADS_TEXT_H

#include <stdbool.h>
#include <stdio.h>

#include "output/source.h"
#include "thread.h"

/*
 * The stacks of cnt threads, by pid and tid; source->profile is the profile of these threads, for which source->symbols was
 * resolved. Names are escaped for a terminal. Of the kernel's frames only those are shown that tell something: of a thread that
 * cannot be interrupted, and of the kernel's own.
 */
struct threads_text {
	const struct output_source *source;
	const struct thread_record *records;
	size_t cnt;
};

/* Whether any thread's kernel frames are shown: without them nobody needs their names. */
bool threads_text__shows_kernel(const struct thread_record *records, size_t cnt);
/*
 * Thread by thread, as a SIGQUIT or debug=2 prints goroutines:
 *   thread 42 "redis-io" [futex, 3 minutes]:
 *   pthread_cond_wait
 *           ./nptl/pthread_cond_wait.c:618 /usr/lib/x86_64-linux-gnu/libc.so.6+0x8bfab
 * with a line `process 41 "redis-server": 5 threads` before the first one of each process. 0 or -errno.
 */
int threads_text__write(const struct threads_text *threads, FILE *out);
/*
 * Threads of one process with the same stack and state together, most first, as debug=1 prints goroutines:
 *   threads profile: total 5
 *   4 @ 0x8bfaa 0x1d2f3
 *   # labels: {"pid":"41", "state":"futex"}
 *   #       0x8bfaa        pthread_cond_wait        ./nptl/pthread_cond_wait.c:618
 */
int threads_text__write_grouped(const struct threads_text *threads, FILE *out);

#endif
