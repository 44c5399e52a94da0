/* SPDX-License-Identifier: GPL-2.0 */
/* Reading a BPF iterator over threads, which runs while it is read. */
#ifndef COLLECT_ITERATOR_H
#define COLLECT_ITERATOR_H

#include <stddef.h>
#include <stdint.h>
#include <bpf/libbpf.h>

struct shared;

/* Which threads: of one process, one thread, or, with both 0, all. */
struct iterator_scope {
	uint32_t pid;
	uint32_t tid;
};

/* Takes cnt records. 0, or an error that ends the pass. */
typedef int (*iterator_fn)(const void *records, size_t cnt, void *arg);

/* Attaches program. -errno: -ESRCH, there is no such process or thread. */
int iterator__attach(struct bpf_program *program, const struct iterator_scope *scope, int *ret_fd);
/* Runs one pass of the link to its end and hands over its records, batch_cnt at a time: what they have sent through other
 * ways can be taken in between. 0, -errno, what fn returned. */
int iterator__read(int link_fd, size_t record_bytes, size_t batch_cnt, iterator_fn fn, void *arg);
/* Both, for one pass. What is gone has no records. */
int iterator__pass(struct bpf_program *program, const struct iterator_scope *scope,
	size_t record_bytes, size_t batch_cnt, iterator_fn fn, void *arg);
/* A pass over the targets: process by process where they are few, so that the threads of all others cost nothing. */
int iterator__pass_targets(const struct shared *shared, struct bpf_program *program,
	size_t record_bytes, size_t batch_cnt, iterator_fn fn, void *arg);

#endif
