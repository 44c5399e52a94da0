// SPDX-License-Identifier: GPL-2.0
/* What an answer consists of: status, headers, body. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "serve/exchange_private.h"
#include "serve/routes.h"

#define TEXT_PLAIN "text/plain; charset=utf-8"

/* Takes response. */
enum MHD_Result exchange__queue(struct exchange *exchange, unsigned int status,
	const char *content_type, struct MHD_Response *response)
{
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	exchange->state = EXCHANGE_ANSWERED;
	if (content_type)
		MHD_add_response_header(response, "Content-Type", content_type);
	/* The library waits for edges: that the client has left while it was suspended it would not see a second time. A bad
	 * request may have been the last one, too. */
	if (exchange->was_suspended || status >= MHD_HTTP_BAD_REQUEST)
		MHD_add_response_header(response, "Connection", "close");
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	if (exchange->client)
		client__set_phase(exchange->client, CLIENT_READS);
	result = MHD_queue_response(exchange->connection, status, response);
	MHD_destroy_response(response);
	return result;
}

enum MHD_Result exchange__error(
	struct exchange *exchange, unsigned int status, const char *format, ...)
{
	struct MHD_Response *response;
	char text[SERVE_REASON_MAX + 2];
	va_list args;
	int bytes;

	va_start(args, format);
	bytes = vsnprintf(text, sizeof(text) - 1, format, args);
	va_end(args);
	bytes = bytes < (int)sizeof(text) - 1 ? bytes : (int)sizeof(text) - 2;
	text[bytes++] = '\n';
	exchange->server->refused_cnt++;
	response = MHD_create_response_from_buffer((size_t)bytes, text, MHD_RESPMEM_MUST_COPY);
	if (!response)
		return MHD_NO;
	/* Go's mux says no such thing of paths that it does not know. */
	if (!strncmp(exchange->path, PPROF_PREFIX, strlen(PPROF_PREFIX)) &&
		status != MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, "X-Go-Pprof", "1");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, "Allow", "GET, HEAD");
	if (status == MHD_HTTP_UNAUTHORIZED)
		MHD_add_response_header(response, "WWW-Authenticate", "Bearer");
	if (status == MHD_HTTP_SERVICE_UNAVAILABLE)
		MHD_add_response_header(response, "Retry-After", "1");
	return exchange__queue(exchange, status, TEXT_PLAIN, response);
}

enum MHD_Result exchange__text(
	struct exchange *exchange, const char *content_type, char *text, size_t bytes)
{
	struct MHD_Response *response;

	if (!text)
		return MHD_NO;
	response = MHD_create_response_from_buffer(bytes, text, MHD_RESPMEM_MUST_FREE);
	if (!response) {
		free(text);
		return MHD_NO;
	}
	MHD_add_response_header(response, "Cache-Control", "no-store");
	return exchange__queue(exchange, MHD_HTTP_OK, content_type, response);
}

enum MHD_Result exchange__static(struct exchange *exchange, const char *content_type,
	const void *data, size_t bytes, const char *const *headers)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		bytes, (void *)data, MHD_RESPMEM_PERSISTENT);

	for (; response && headers && *headers; headers += 2)
		MHD_add_response_header(response, headers[0], headers[1]);
	return exchange__queue(exchange, MHD_HTTP_OK, content_type, response);
}

enum MHD_Result exchange__redirect(struct exchange *exchange, const char *path)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		0, (void *)"", MHD_RESPMEM_PERSISTENT);

	if (response)
		MHD_add_response_header(response, "Location", path);
	return exchange__queue(exchange, MHD_HTTP_TEMPORARY_REDIRECT, NULL, response);
}
