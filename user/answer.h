/* SPDX-License-Identifier: GPL-2.0 */
/* Writing what was read, in a child process: choose the process's samples, name the frames, hand all to a writer. */
#ifndef BPFPROF_ANSWER_H
#define BPFPROF_ANSWER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "capture.h"
#include "serve/source.h"

struct answer {
	const struct capture *capture;
	char profile[32];                  /* "allocs" */
	uint32_t pid;                      /* 0: everything */
	uint64_t born_min_ns, born_max_ns; /* CLOCK_BOOTTIME: which owner of pid */
	const struct profile *tapped;      /* NULL: what capture has of it */
	bool with_kernel;                  /* addresses of the kernel are root's alone */
};

/* 0; -ESRCH: there is no such process. */
int answer__init(struct answer *answer, const struct capture *capture, const char *profile,
	uint32_t pid, bool with_kernel);
/* 0 or -errno. */
int answer__write(const struct answer *answer, serve_write_fn write, void *write_arg, FILE *out);
/* "num_symbols: 1", then a line "0x... name" for each of the addresses that has a name; pid 0: the kernel's. */
int answer__write_symbols(const struct capture *capture, uint32_t pid, const uint64_t *addresses,
	size_t cnt, bool with_kernel, FILE *out);

#endif
