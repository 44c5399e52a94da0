/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Writing an answer in a child process. Names for a profile's frames take from milliseconds to seconds: in the loop that
 * would hold up drains and trace lines. A fork sees profile, stacks and files as they are at that moment, so that
 * nothing has to be copied or locked, and a file that crashes a parser ends the child alone. The answer is in a memfd,
 * which is sent as it is: the daemon never has it in its own memory.
 */
#ifndef SERVE_JOB_H
#define SERVE_JOB_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct jobs;
struct job;

/* In the child. 0 or -errno. */
typedef int (*job_write_fn)(FILE *out, void *arg);
/* In the daemon: err 0 and the answer, which fn takes; or -errno (-ETIMEDOUT, -EFBIG, -ENOMEM, -EIO for a crash). */
typedef void (*job_done_fn)(int err, int fd, uint64_t bytes, void *arg);

/* epoll_fd: gets the children's pidfds, each with a struct watch. */
struct jobs *jobs__new(int epoll_fd);
void jobs__free(struct jobs *jobs); /* ends all */
/* Runs write(out, arg) in a child from the next jobs__turn() on at which fewer than two others run. done is called once, unless it is
 * cancelled. NULL: out of memory. */
struct job *jobs__add(struct jobs *jobs, job_write_fn write, job_done_fn done, void *arg);
/* Ends it; done will not be called. */
void job__cancel(struct job *job);
/* Starts what waits and ends what takes too long: to be called after each of the above, and once a second. */
void jobs__turn(struct jobs *jobs);
/* Queued and running. */
size_t jobs__cnt(const struct jobs *jobs);

#endif
