/* SPDX-License-Identifier: GPL-2.0 */
/* Words for what a thread does: "running", "futex", "disk". */
#ifndef OUTPUT_THREAD_STATE_H
#define OUTPUT_THREAD_STATE_H

#include <stddef.h>
#include <stdint.h>

#define THREAD_STATE_BYTES 32

/* The label `state` of a sample whose key has this word (thread.h): the state, and of a sleeping thread what it waits for, from
 * a small set of words. NULL: it was not told. */
const char *thread_state__label(uint32_t word);
/* The same for a reader of one thread: a system call that has no word of its own with its number, "syscall 443". */
const char *thread_state__text(uint32_t word, char buf[THREAD_STATE_BYTES]);
/* How long, as precisely as it is of use: "350 ms", "12.3 s", "3 minutes", "5 hours", "9 days". */
void thread_state__duration(uint64_t ns, char ret[THREAD_STATE_BYTES]);

#endif
