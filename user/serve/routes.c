// SPDX-License-Identifier: GPL-2.0
/* The table of what can be asked for, and what is checked before any of it is answered. */
#include "serve/routes.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "serve/access.h"
#include "serve/assets.h"
#include "serve/guard.h"
#include "serve/number.h"
#include "serve/server_private.h"

/* An exact path, or the longest one that ends in '/' and is a beginning of it, as Go's ServeMux has it. */
static const struct route routes[] = {
	{PPROF_PREFIX, false, pprof__index},
	{PPROF_PREFIX "profile", false, pprof__profile},
	{PPROF_PREFIX "cmdline", false, pprof__cmdline},
	{PPROF_PREFIX "symbol", true, pprof__symbol},
	{PPROF_PREFIX "trace", false, pprof__trace},
	{"/api/status", false, api__status},
	{"/api/processes", false, api__processes},
	{"/api/profile", false, api__profile},
	{"/api/retained", false, past__list},
	{"/metrics", false, metrics__answer},
};

static const struct route *route__find(const char *path)
{
	const struct route *best = NULL;
	size_t i, bytes;

	for (i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		bytes = strlen(routes[i].path);
		if (!strcmp(path, routes[i].path))
			return &routes[i];
		if (routes[i].path[bytes - 1] == '/' && !strncmp(path, routes[i].path, bytes))
			best = &routes[i];
	}
	return best;
}

static const struct asset *asset__find(const char *path)
{
	size_t i;

	for (i = 0; i < asset_cnt; i++)
		if (!strcmp(path, assets[i].path))
			return &assets[i];
	return NULL;
}

/* Nothing on the page comes from elsewhere, and nothing in it runs that is not one of its files. */
static enum MHD_Result asset__answer(struct exchange *exchange, const struct asset *asset)
{
	static const char *const headers[] = {"Content-Security-Policy",
		"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
		"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
		"Cache-Control", "no-store", "Referrer-Policy", "no-referrer", "X-Frame-Options",
		"DENY", NULL};

	return exchange__static(
		exchange, asset->content_type, asset->data, asset->end - asset->data, headers);
}

static const char *header(const struct exchange *exchange, const char *name)
{
	return MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, name);
}

/* Who asks, and whether anybody may ask like that. False: it has been answered. */
static bool exchange__admit(struct exchange *exchange, enum MHD_Result *ret_result)
{
	const struct server *server = exchange->server;
	const char *authorization = header(exchange, "Authorization"),
		   *host = header(exchange, "Host");

	exchange->peer = exchange->client ? exchange->client->peer
					  : (struct peer){.kind = PEER_UNKNOWN, .uid = UINT32_MAX};
	if (authorization && server->token) {
		if (guard__token_is_right(authorization, server->token)) {
			exchange->peer = (struct peer){.kind = PEER_UNIX, .uid = 0, .gid = 0};
			return true;
		}
		*ret_result = exchange__error(exchange, MHD_HTTP_UNAUTHORIZED, "wrong token");
		return false;
	}
	if (exchange->peer.kind == PEER_UNKNOWN) {
		*ret_result = exchange__error(exchange,
			server->token ? MHD_HTTP_UNAUTHORIZED : MHD_HTTP_FORBIDDEN,
			"who asks is not known: only local users are, and those who send the token of "
			"--listen-token-file");
		return false;
	}
	if (exchange->peer.kind == PEER_LOOPBACK && !guard__host_is_own(host, server->host)) {
		*ret_result = exchange__error(exchange, MHD_HTTP_FORBIDDEN,
			"the Host header names another site; use localhost or an address");
		return false;
	}
	if (!guard__site_is_own(
		    header(exchange, "Sec-Fetch-Site"), header(exchange, "Origin"), host)) {
		*ret_result = exchange__error(
			exchange, MHD_HTTP_FORBIDDEN, "asked for by another site's page");
		return false;
	}
	return true;
}

static bool method__is_read(const char *method)
{
	return !strcmp(method, "GET") || !strcmp(method, "HEAD");
}

enum MHD_Result routes__answer(struct exchange *exchange)
{
	const struct route *route = route__find(exchange->path);
	const struct asset *asset = route ? NULL : asset__find(exchange->path);
	enum MHD_Result result;

	if (!exchange__admit(exchange, &result))
		return result;
	/* What stands behind it would be seen by nobody. */
	if (strstr(exchange->uri, "%00"))
		return exchange__error(exchange, MHD_HTTP_BAD_REQUEST, "a NUL in the URL");
	if (!strcmp(exchange->path, "/debug/pprof"))
		return exchange__redirect(exchange, PPROF_PREFIX);
	if (!route && !asset)
		return exchange__error(exchange, MHD_HTTP_NOT_FOUND, "404 page not found");
	if (!method__is_read(exchange->method) &&
		!(route && route->takes_post && !strcmp(exchange->method, "POST")))
		return exchange__error(exchange, MHD_HTTP_METHOD_NOT_ALLOWED, "Method Not Allowed");
	return route ? route->answer(exchange) : asset__answer(exchange, asset);
}

static enum MHD_Result target__refuse(
	struct exchange *exchange, uint32_t pid, int err, uint32_t leader)
{
	switch (err) {
	case -ESRCH:
		return exchange__error(
			exchange, MHD_HTTP_NOT_FOUND, "pid %" PRIu32 ": no such process", pid);
	case -EINVAL:
		return exchange__error(exchange, MHD_HTTP_NOT_FOUND,
			"pid %" PRIu32 ": is a thread of process %" PRIu32 "; use pid=%" PRIu32,
			pid, leader, leader);
	case -ENOENT:
		return exchange__error(exchange, MHD_HTTP_NOT_FOUND,
			"pid %" PRIu32 ": is none of the processes that are profiled", pid);
	default:
		return exchange__error(exchange, MHD_HTTP_FORBIDDEN,
			"pid %" PRIu32
			": not yours: users see the processes that they could ptrace, "
			"root sees all",
			pid);
	}
}

int routes__target(struct exchange *exchange, uint32_t *ret_pid, enum MHD_Result *ret_result)
{
	const struct serve_source *source = exchange__source(exchange);
	const char *text = exchange__query(exchange, "pid");
	uint32_t leader = 0;
	int64_t pid = 0;
	int err;

	if (!text || !*text) {
		*ret_pid = 0;
		if (exchange->peer.uid == 0)
			return 0;
		*ret_result = exchange__error(exchange, MHD_HTTP_FORBIDDEN,
			"only root sees all processes; give pid= of one of yours");
		return -EPERM;
	}
	if (number__parse(text, &pid) || pid <= 0 || pid > INT32_MAX) {
		*ret_result = exchange__error(exchange, MHD_HTTP_BAD_REQUEST,
			"invalid value for \"pid\" - must be a positive integer");
		return -EINVAL;
	}
	err = access__check(&exchange->peer, (uint32_t)pid, &leader);
	if (!err)
		err = source->find_process(source->arg, (uint32_t)pid);
	if (err) {
		*ret_result = target__refuse(exchange, (uint32_t)pid, err, leader);
		return err;
	}
	*ret_pid = (uint32_t)pid;
	return 0;
}
