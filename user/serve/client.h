/* SPDX-License-Identifier: GPL-2.0 */
/* The connections: whose they are, and how long each may take. */
#ifndef SERVE_CLIENT_H
#define SERVE_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "serve/peer.h"

#define CLIENTS_MAX          512
#define CLIENTS_MAX_OF_USER  128 /* of one uid that is not root's: nobody keeps root out */
#define READINGS_MAX         50
#define READINGS_MAX_OF_USER 10

enum client_phase { CLIENT_ASKS, CLIENT_WAITS, CLIENT_READS };

struct client {
	int fd;
	struct peer peer;
	enum client_phase phase;
	time_t since;   /* of the phase, CLOCK_MONOTONIC */
	uint64_t bytes; /* CLIENT_READS: how many it has to read */
	bool has_asked; /* before: the connection is kept open for more */
	bool is_cut;
	unsigned int reading_cnt; /* 0 or 1 */
	struct client *next, **prev;
};

struct clients {
	struct client *first;
	size_t cnt;
};

/* fd: a new connection. It is cut at once when its user has too many. NULL: out of memory. */
struct client *clients__add(struct clients *clients, int fd);
void clients__remove(struct clients *clients, struct client *client);
void client__set_phase(struct client *client, enum client_phase phase);
/* Cuts those that are too slow to ask or to read. */
void clients__cut_slow(struct clients *clients);
/* Whether client may have one more reading. */
bool clients__may_read(const struct clients *clients, const struct client *client);

#endif
