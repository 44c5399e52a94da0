// SPDX-License-Identifier: GPL-2.0
/* One request and its answer. */
#include "serve/exchange.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "output/legacy.h"
#include "output/pprof.h"
#include "output/threads_text.h"
#include "output/profile_json.h"
#include "serve/routes.h"
#include "serve/server_private.h"

#define TEXT_PLAIN "text/plain; charset=utf-8"

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

/* Ends what is under way for it: a client that left costs nothing more. */
static void exchange__end_work(struct exchange *exchange)
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

/* Takes response. */
static enum MHD_Result exchange__queue(struct exchange *exchange, unsigned int status,
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

/* The client's end of the connection closed while it was suspended. */
static void exchange__on_hangup(struct watch *watch)
{
	struct exchange *exchange = (struct exchange *)watch;

	epoll_ctl(exchange->server->epoll_fd, EPOLL_CTL_DEL, exchange->client->fd, NULL);
	exchange__end_work(exchange);
	exchange->state = EXCHANGE_GONE;
	MHD_resume_connection(exchange->connection);
}

static enum MHD_Result exchange__suspend(struct exchange *exchange)
{
	struct epoll_event event = {.events = EPOLLRDHUP, .data.ptr = &exchange->watch};

	exchange->watch.fn = exchange__on_hangup;
	exchange->state = EXCHANGE_WAITING;
	exchange->was_suspended = true;
	client__set_phase(exchange->client, CLIENT_WAITS);
	MHD_suspend_connection(exchange->connection);
	epoll_ctl(exchange->server->epoll_fd, EPOLL_CTL_ADD, exchange->client->fd, &event);
	return MHD_YES;
}

static void exchange__resume(struct exchange *exchange)
{
	epoll_ctl(exchange->server->epoll_fd, EPOLL_CTL_DEL, exchange->client->fd, NULL);
	exchange__end_work(exchange);
	MHD_resume_connection(exchange->connection);
}

static void exchange__fail(struct exchange *exchange, unsigned int status, const char *reason)
{
	exchange->status = status;
	snprintf(exchange->reason, sizeof(exchange->reason), "%s", reason);
	exchange__resume(exchange);
}

/* Thread by thread, with states; of one process if one was asked for. */
static int exchange__format_threads(
	const struct exchange *exchange, const struct output_source *output, FILE *out)
{
	const struct serve_source *source = exchange->server->source;
	struct threads_text text = {.source = output};
	size_t cnt, first = 0;

	text.records = source->threads(source->arg, &cnt);
	if (exchange->pid) {
		while (first < cnt && text.records[first].pid != exchange->pid)
			first++;
		for (text.cnt = first;
			text.cnt < cnt && text.records[text.cnt].pid == exchange->pid;)
			text.cnt++;
		text.cnt -= first;
		text.records += first;
	} else {
		text.cnt = cnt;
	}
	return exchange->form == FORM_STACKS ? threads_text__write(&text, out)
					     : threads_text__write_grouped(&text, out);
}

static int exchange__format(const struct output_source *source, void *arg, FILE *out)
{
	const struct exchange *exchange = arg;

	if (source->profile->kind == &profile_kind_threads &&
		(exchange->form == FORM_STACKS ||
			(exchange->form == FORM_LEGACY && !strcmp(exchange->name, "threads"))))
		return exchange__format_threads(exchange, source, out);
	switch (exchange->form) {
	case FORM_LEGACY:
	case FORM_STACKS: /* of others than threads it is the same, as Go has it */
		return legacy__write(source, exchange->name, out);
	case FORM_JSON:
		return profile_json__write(source, out);
	default:
		return pprof__write(source, out);
	}
}

/* In the child. */
static int exchange__write(FILE *out, void *arg)
{
	struct exchange *exchange = arg;
	const struct serve_source *source = exchange->server->source;

	if (exchange->form == FORM_SYMBOLS)
		return source->write_symbols(source->arg, exchange->pid, exchange->addresses,
			exchange->address_cnt, exchange->peer.uid == 0, out);
	return source->write(source->arg, exchange->reading, exchange__format, exchange, out);
}

static void exchange__on_written(int err, int fd, uint64_t bytes, void *arg)
{
	struct exchange *exchange = arg;
	char text[128];

	exchange->job = NULL;
	if (err) {
		snprintf(text, sizeof(text), "cannot write the %s profile: %s", exchange->name,
			err == -EIO ? "its writer ended before it was done" : strerror(-err));
		exchange__fail(exchange, MHD_HTTP_INTERNAL_SERVER_ERROR, text);
		return;
	}
	exchange->status = MHD_HTTP_OK;
	exchange->answer_fd = fd;
	exchange->answer_bytes = bytes;
	exchange__resume(exchange);
}

static void exchange__on_ready(int err, const char *reason, void *arg)
{
	struct exchange *exchange = arg;

	if (err) {
		exchange__fail(exchange,
			err == -EPERM ? MHD_HTTP_FORBIDDEN : MHD_HTTP_INTERNAL_SERVER_ERROR,
			reason);
		return;
	}
	exchange->job = jobs__add(
		exchange->server->jobs, exchange__write, exchange__on_written, exchange);
	if (!exchange->job)
		exchange__fail(exchange, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory");
	else
		jobs__turn(exchange->server->jobs);
}

static unsigned int status_of(int err)
{
	switch (err) {
	case -ENOENT:
	case -ESRCH:
		return MHD_HTTP_NOT_FOUND;
	case -EOPNOTSUPP:
	case -ENOSYS:
		return MHD_HTTP_NOT_IMPLEMENTED;
	case -EINVAL:
		return MHD_HTTP_BAD_REQUEST;
	case -EPERM:
	case -EACCES:
		return MHD_HTTP_FORBIDDEN;
	case -EBUSY:
	case -EAGAIN:
	case -ENOSPC:
		return MHD_HTTP_SERVICE_UNAVAILABLE;
	default:
		return MHD_HTTP_INTERNAL_SERVER_ERROR;
	}
}

enum MHD_Result exchange__read(
	struct exchange *exchange, const struct serve_reading_request *request)
{
	const struct serve_source *source = exchange->server->source;
	char reason[SERVE_REASON_MAX] = "cannot start";
	int err;

	if (!exchange->client || !clients__may_read(&exchange->server->clients, exchange->client))
		return exchange__error(exchange, MHD_HTTP_SERVICE_UNAVAILABLE,
			"too many profiles are being taken; try again when one of them is done");
	err = source->start(
		source->arg, request, exchange__on_ready, exchange, &exchange->reading, reason);
	if (err)
		return exchange__error(exchange, status_of(err), "%s", reason);
	exchange->pid = request->pid;
	exchange->client->reading_cnt = 1;
	return exchange__suspend(exchange);
}

enum MHD_Result exchange__symbolize(struct exchange *exchange)
{
	if (!exchange->client)
		return MHD_NO;
	exchange->form = FORM_SYMBOLS;
	exchange->job = jobs__add(
		exchange->server->jobs, exchange__write, exchange__on_written, exchange);
	if (!exchange->job)
		return MHD_NO;
	return exchange__suspend(exchange);
}

/* What was suspended goes on. */
static enum MHD_Result exchange__answer(struct exchange *exchange)
{
	struct MHD_Response *response;
	enum MHD_Result result;
	char disposition[80];

	if (exchange->status != MHD_HTTP_OK)
		return exchange__error(exchange, exchange->status, "%s", exchange->reason);
	response = exchange->answer_bytes
			   ? MHD_create_response_from_fd64(
				     exchange->answer_bytes, exchange->answer_fd)
			   : MHD_create_response_from_buffer(0, (void *)"", MHD_RESPMEM_PERSISTENT);
	if (exchange->answer_bytes && response)
		exchange->answer_fd = -1; /* the response's */
	if (response && exchange->file_name[0]) {
		snprintf(disposition, sizeof(disposition), "attachment; filename=\"%s\"",
			exchange->file_name);
		MHD_add_response_header(response, "Content-Disposition", disposition);
	}
	result = exchange__queue(exchange, MHD_HTTP_OK, exchange->content_type, response);
	if (exchange->client)
		exchange->client->bytes = exchange->answer_bytes;
	return result;
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
