/* SPDX-License-Identifier: GPL-2.0 */
/* The HTTP server: one descriptor for the daemon's loop, no thread of its own. */
#ifndef SERVE_SERVER_H
#define SERVE_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "serve/source.h"

#define SERVER_TOKEN_MAX 512

struct server_options {
	int listen_fd; /* TCP or unix, listening; the server's from server__open() on, also when that fails */
	const char *
		host; /* of --listen: accepted in a Host header beside localhost and addresses; "" */
	const char *
		token; /* who sends it is as good as root; NULL: nobody else than local users is let in */
};

struct server;

/* source is borrowed. 0 or -errno. */
int server__open(const struct server_options *options, const struct serve_source *source,
	struct server **ret);
void server__close(struct server *server); /* accepts NULL; ends every reading */
/* Readable when there is something to do. */
int server__fd(const struct server *server);
void server__on_ready(struct server *server);
/* Another token from now on. 0 or -ENOMEM. */
int server__set_token(struct server *server, const char *token);

#endif
