// SPDX-License-Identifier: GPL-2.0
/* ?time=: profiles of a while ago, as --retain kept them. */
#include <string.h>

#include "serve/moment.h"
#include "serve/number.h"
#include "serve/routes.h"

#define PAST_SECONDS_MAX (7 * 86400)

static enum MHD_Result past__bad(struct exchange *exchange, const char *reason)
{
	return exchange__error(exchange, MHD_HTTP_BAD_REQUEST, "%s", reason);
}

/* A pid of the past may have been another user's process, whoever has it now. 0, or it has been answered. */
static int past__admit(struct exchange *exchange, enum MHD_Result *ret_result)
{
	if (exchange->peer.uid)
		*ret_result = exchange__error(exchange, MHD_HTTP_FORBIDDEN,
			"only root reads the past: a pid may have been another user's then");
	else if (!exchange__source(exchange)->write_past)
		*ret_result = exchange__error(exchange, MHD_HTTP_NOT_FOUND,
			"nothing is kept: bpfprof runs without --retain");
	else
		return 0;
	return -1;
}

enum MHD_Result past__answer(struct exchange *exchange, const char *kind, const char *file_name)
{
	const char *seconds_text = exchange__query(exchange, "seconds");
	const char *pid_text = exchange__query(exchange, "pid");
	struct serve_past_request *past = &exchange->past;
	enum MHD_Result result;
	int64_t seconds = 0, pid = 0;

	if (past__admit(exchange, &result))
		return result;
	if (moment__parse(exchange__query(exchange, "time"), &past->from_ms))
		return past__bad(exchange,
			"invalid value for \"time\" - 2026-11-25T22:13:00Z or seconds since 1970");
	if (seconds_text && *seconds_text &&
		(number__parse(seconds_text, &seconds) || seconds <= 0 ||
			seconds > PAST_SECONDS_MAX))
		return past__bad(exchange,
			"invalid value for \"seconds\" - must be a positive integer, at most 604800 with time");
	if (pid_text && *pid_text && (number__parse(pid_text, &pid) || pid <= 0 || pid > INT32_MAX))
		return past__bad(
			exchange, "invalid value for \"pid\" - must be a positive integer");
	if (number__or_zero(exchange__query(exchange, "debug")))
		return past__bad(exchange, "time and debug params are incompatible");
	past->profile = kind;
	past->pid = (uint32_t)pid;
	past->to_ms = past->from_ms + (seconds ? seconds * 1000 : 1);
	snprintf(exchange->file_name, sizeof(exchange->file_name), "%s", file_name);
	exchange->content_type = "application/octet-stream";
	return exchange__read_past(exchange);
}

/* /api/retained: what there is. */
enum MHD_Result past__list(struct exchange *exchange)
{
	enum MHD_Result result;

	if (past__admit(exchange, &result))
		return result;
	exchange->content_type = "application/json; charset=utf-8";
	return exchange__read_past(exchange);
}
