/* SPDX-License-Identifier: GPL-2.0 */
/* What the HTTP server serves: readings of the capture, and the daemon's own figures. */
#ifndef BPFPROF_ENDPOINT_H
#define BPFPROF_ENDPOINT_H

#include <stdint.h>

#include "capture.h"
#include "loop.h"
#include "trace.h"

struct endpoint;
struct retain;

struct endpoint_options {
	int listen_fd;     /* taken, also on failure */
	const char *host;  /* of --listen, "" for a unix socket */
	const char *token; /* NULL: none */
	uint64_t linger_ns;
	uint32_t frequency_hz;
	const struct retain *retain; /* NULL: nothing is kept */
	/* A drain as soon as it can be: endpoint__on_drained() follows. */
	void (*want_drain)(void *arg);
	void *arg;
};

/* Serves from now on. 0 or -errno. */
int endpoint__open(struct loop *loop, struct capture *capture, struct trace *trace,
	const struct endpoint_options *options, struct endpoint **ret);
void endpoint__close(struct endpoint *endpoint); /* accepts NULL */
/* After each capture__drain() that returned 0. */
void endpoint__on_drained(struct endpoint *endpoint);
/* 0 or -errno. */
int endpoint__set_token(struct endpoint *endpoint, const char *token);

#endif
