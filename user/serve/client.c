// SPDX-License-Identifier: GPL-2.0
/* The connections. */
#include "serve/client.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "process/clock.h"

#define ASK_SECONDS_MAX 10 /* from connect to a whole request */
#define IDLE_SECONDS_MAX                                                                           \
	30 /* between two requests of one connection, the second one's time included */
#define READ_SECONDS_MIN      30 /* to read an answer, and a second more for each BYTES_PER_SECOND */
#define READ_BYTES_PER_SECOND 65536

static void client__cut(struct client *client)
{
	if (!client->is_cut)
		shutdown(client->fd, SHUT_RDWR); /* the library then sees its end and closes it */
	client->is_cut = true;
}

struct client *clients__add(struct clients *clients, int fd)
{
	struct client *client = calloc(1, sizeof(*client)), *other;
	size_t same_cnt = 0;

	if (!client)
		return NULL;
	client->fd = fd;
	peer__identify(fd, &client->peer);
	client__set_phase(client, CLIENT_ASKS);
	for (other = clients->first; other; other = other->next)
		same_cnt += other->peer.uid == client->peer.uid;
	client->next = clients->first;
	client->prev = &clients->first;
	if (client->next)
		client->next->prev = &client->next;
	clients->first = client;
	clients->cnt++;
	if (client->peer.uid && same_cnt >= CLIENTS_MAX_OF_USER)
		client__cut(client);
	return client;
}

void clients__remove(struct clients *clients, struct client *client)
{
	*client->prev = client->next;
	if (client->next)
		client->next->prev = client->prev;
	clients->cnt--;
	free(client);
}

void client__set_phase(struct client *client, enum client_phase phase)
{
	if (client->phase == CLIENT_READS && phase == CLIENT_ASKS)
		client->has_asked = true;
	client->phase = phase;
	client->bytes = 0;
	client->since = clock__seconds(CLOCK_MONOTONIC);
}

void clients__cut_slow(struct clients *clients)
{
	struct client *client;
	time_t now = clock__seconds(CLOCK_MONOTONIC), limit;

	for (client = clients->first; client; client = client->next) {
		if (client->phase == CLIENT_WAITS)
			continue;
		if (client->phase == CLIENT_ASKS)
			limit = client->has_asked ? IDLE_SECONDS_MAX : ASK_SECONDS_MAX;
		else
			limit = READ_SECONDS_MIN + (time_t)(client->bytes / READ_BYTES_PER_SECOND);
		if (now - client->since >= limit)
			client__cut(client);
	}
}

bool clients__may_read(const struct clients *clients, const struct client *client)
{
	const struct client *other;
	size_t cnt = 0, same_cnt = 0;

	for (other = clients->first; other; other = other->next) {
		cnt += other->reading_cnt;
		if (other->peer.kind == client->peer.kind && other->peer.uid == client->peer.uid)
			same_cnt += other->reading_cnt;
	}
	return cnt < READINGS_MAX && (!client->peer.uid || same_cnt < READINGS_MAX_OF_USER);
}
