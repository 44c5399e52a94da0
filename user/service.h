/* SPDX-License-Identifier: GPL-2.0 */
/* The daemon as others see it: HTTP, and the service manager. */
#ifndef BPFPROF_SERVICE_H
#define BPFPROF_SERVICE_H

#include "capture.h"
#include "loop.h"
#include "options.h"
#include "trace.h"

struct service;
struct retain;

/* Before anything is loaded: a port that is busy, a token file that cannot be read end the run at once. Logs. 0, or
 * -errno: the run should not go on. *ret is NULL when there is nothing to serve. */
int service__open(const struct options *options, struct service **ret);
/* Serves capture from now on; retain: NULL, or what keeps its profiles. want_drain: struct endpoint_options. Logs; 0 or -errno. */
int service__start(struct service *service, struct loop *loop, struct capture *capture,
	struct trace *trace, const struct retain *retain, void (*want_drain)(void *arg), void *arg);
/* All is attached: the service manager is told. */
void service__ready(struct loop *loop);
/* After each capture__drain() that returned 0. Accepts NULL. */
void service__on_drained(struct service *service);
/* SIGHUP of a service: files that options name are read again. */
void service__reload(struct service *service);
/* No more requests; before the capture is freed. Accepts NULL. */
void service__close(struct service *service);

#endif
