// SPDX-License-Identifier: GPL-2.0
/* An answer that takes a while: a reading, then a child that writes it, and the client suspended meanwhile. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "output/legacy.h"
#include "output/pprof.h"
#include "output/profile_json.h"
#include "output/threads_text.h"
#include "serve/exchange_private.h"

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

	if (exchange->form == FORM_PAST)
		return source->write_past(source->arg, &exchange->past, out);
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
	if (err == -ENOENT && exchange->form == FORM_PAST) {
		exchange__fail(exchange, MHD_HTTP_NOT_FOUND,
			"no profile of that time is kept; /api/retained lists those that are");
		return;
	}
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

enum MHD_Result exchange__read_past(struct exchange *exchange)
{
	if (!exchange->client || !clients__may_read(&exchange->server->clients, exchange->client))
		return exchange__error(exchange, MHD_HTTP_SERVICE_UNAVAILABLE,
			"too many profiles are being taken; try again when one of them is done");
	exchange->form = FORM_PAST;
	exchange->job = jobs__add(
		exchange->server->jobs, exchange__write, exchange__on_written, exchange);
	if (!exchange->job)
		return MHD_NO;
	exchange->client->reading_cnt = 1;
	return exchange__suspend(exchange);
}

/* What was suspended goes on. */
enum MHD_Result exchange__answer(struct exchange *exchange)
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
