/* SPDX-License-Identifier: GPL-2.0 */
/* What the server's own files share. */
#ifndef SERVE_SERVER_PRIVATE_H
#define SERVE_SERVER_PRIVATE_H

#include "serve/exchange.h"
#include "serve/server.h"

struct server {
	const struct serve_source *source;
	char host[254];
	char *token; /* NULL: none */
	struct MHD_Daemon *daemon;
	int epoll_fd;
	int timer_fd;
	bool is_ticking;
	struct watch daemon_watch, timer_watch;
	struct clients clients;
	struct jobs *jobs;
	struct exchange *exchanges;
	uint64_t request_cnt, refused_cnt;
};

struct exchange *exchange__new(struct server *server, const char *uri);
void exchange__free(struct exchange *exchange);
/* Called for every part of a request, as libmicrohttpd does it. */
enum MHD_Result exchange__on_part(struct exchange *exchange, struct MHD_Connection *connection,
	const char *path, const char *method, const char *part, size_t *part_bytes);

#endif
