// SPDX-License-Identifier: GPL-2.0
/* One request, from its first part on. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "serve/exchange_private.h"
#include "serve/routes.h"

struct exchange *exchange__new(struct server *server, const char *uri)
{
	struct exchange *exchange = calloc(1, sizeof(*exchange));

	if (!exchange)
		return NULL;
	exchange->uri = strdup(uri);
	if (!exchange->uri) {
		free(exchange);
		return NULL;
	}
	exchange->server = server;
	exchange->answer_fd = -1;
	exchange->next = server->exchanges;
	exchange->prev = &server->exchanges;
	if (exchange->next)
		exchange->next->prev = &exchange->next;
	server->exchanges = exchange;
	return exchange;
}

void exchange__end_work(struct exchange *exchange)
{
	const struct serve_source *source = exchange->server->source;

	if (exchange->job)
		job__cancel(exchange->job);
	exchange->job = NULL;
	if (exchange->reading)
		source->end(source->arg, exchange->reading);
	exchange->reading = NULL;
	if (exchange->client)
		exchange->client->reading_cnt = 0;
}

void exchange__free(struct exchange *exchange)
{
	if (!exchange)
		return;
	exchange__end_work(exchange);
	if (exchange->client)
		client__set_phase(exchange->client, CLIENT_ASKS);
	if (exchange->answer_fd >= 0)
		close(exchange->answer_fd);
	*exchange->prev = exchange->next;
	if (exchange->next)
		exchange->next->prev = exchange->prev;
	free(exchange->addresses);
	free(exchange->body);
	free(exchange->uri);
	free(exchange);
}

const char *exchange__query(const struct exchange *exchange, const char *name)
{
	return MHD_lookup_connection_value(exchange->connection, MHD_GET_ARGUMENT_KIND, name);
}

const struct serve_source *exchange__source(const struct exchange *exchange)
{
	return exchange->server->source;
}

/* What is past the limit is read and forgotten, so that the answer arrives. */
static void exchange__take_body(struct exchange *exchange, const char *part, size_t *part_bytes)
{
	char *body = NULL;

	if (exchange->body_bytes + *part_bytes <= EXCHANGE_BODY_MAX)
		body = realloc(exchange->body, exchange->body_bytes + *part_bytes);
	if (body) {
		memcpy(body + exchange->body_bytes, part, *part_bytes);
		exchange->body = body;
		exchange->body_bytes += *part_bytes;
	} else {
		exchange->body_is_too_long = true;
	}
	*part_bytes = 0;
}

enum MHD_Result exchange__on_part(struct exchange *exchange, struct MHD_Connection *connection,
	const char *path, const char *method, const char *part, size_t *part_bytes)
{
	const union MHD_ConnectionInfo *info;

	if (!exchange->connection) {
		info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
		exchange->connection = connection;
		exchange->client = info ? info->socket_context : NULL;
		exchange->path = path;
		exchange->method = method;
		exchange->server->request_cnt++;
		return MHD_YES;
	}
	exchange->path = path;
	exchange->method = method;
	if (*part_bytes) {
		exchange__take_body(exchange, part, part_bytes);
		return MHD_YES;
	}
	switch (exchange->state) {
	case EXCHANGE_NEW:
		return exchange->body_is_too_long
			       ? exchange__error(exchange, MHD_HTTP_CONTENT_TOO_LARGE,
					 "the body is longer than %d bytes", EXCHANGE_BODY_MAX)
			       : routes__answer(exchange);
	case EXCHANGE_WAITING:
		return exchange__answer(exchange);
	default:
		return MHD_NO;
	}
}
