/* SPDX-License-Identifier: GPL-2.0 */
/* The table of what can be asked for. */
#ifndef SERVE_ROUTES_H
#define SERVE_ROUTES_H

#include "serve/exchange.h"

#define PPROF_PREFIX "/debug/pprof/"
#define SECONDS_MAX  600 /* of one reading */

struct route {
	const char *path; /* whole, or up to its '/' at the end */
	bool takes_post;
	enum MHD_Result (*answer)(struct exchange *exchange);
};

/* Answers a whole request. */
enum MHD_Result routes__answer(struct exchange *exchange);

/* What a request's pid= names. 0 with *ret_pid (0: everything); else it has been answered: *ret_result. */
int routes__target(struct exchange *exchange, uint32_t *ret_pid, enum MHD_Result *ret_result);

enum MHD_Result pprof__index(struct exchange *exchange);   /* and every profile below it */
enum MHD_Result pprof__profile(struct exchange *exchange); /* cpu */
enum MHD_Result pprof__cmdline(struct exchange *exchange);
enum MHD_Result pprof__symbol(struct exchange *exchange);
enum MHD_Result pprof__trace(struct exchange *exchange);
enum MHD_Result api__status(struct exchange *exchange);
enum MHD_Result api__processes(struct exchange *exchange);
enum MHD_Result api__profile(struct exchange *exchange);
/* A profile of ?time=; kind: a collector's name. */
enum MHD_Result past__answer(struct exchange *exchange, const char *kind, const char *file_name);
enum MHD_Result past__list(struct exchange *exchange);
enum MHD_Result metrics__answer(struct exchange *exchange);

#endif
