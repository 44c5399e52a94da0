// SPDX-License-Identifier: GPL-2.0
/* /debug/pprof/: what net/http/pprof answers, for any process. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "serve/number.h"
#include "serve/routes.h"

#define TEXT_PLAIN        "text/plain; charset=utf-8"
#define OCTETS            "application/octet-stream"
#define NS_PER_S          1000000000ull
#define CMDLINE_BYTES_MAX (2 << 20) /* the kernel's own limit on a command line is about that */
#define ADDRESSES_MAX     4096

/* A profile by its name in a URL. */
struct profile_route {
	const char *name;
	const char *kind; /* what is measured; NULL: not a profile, but a route of its own */
	bool has_delta;   /* takes seconds= */
	const char *description;
};

/* In the order of the index. */
static const struct profile_route profile_routes[] = {
	{"allocs", "allocs", true, "A sampling of all past memory allocations"},
	{"block", "block", true, "Stack traces that led to blocking (off-CPU time)"},
	{"cmdline", NULL, false, "The command line of the process; needs pid="},
	{"faults", "faults", true,
		"Stack traces that touched memory first (page faults). Counted from the first request for it on"},
	{"goroutine", "threads", true, "The same as threads, for readers that ask for goroutines"},
	{"heap", "heap", true,
		"A sampling of memory allocations of live objects. Counted from the first request for it on"},
	{"mutex", "mutex", true, "Stack traces of holders of contended mutexes"},
	{"profile", NULL, false,
		"CPU profile. You can specify the duration in the seconds GET parameter. After you get the "
		"profile file, use the go tool pprof command to investigate the profile."},
	{"symbol", NULL, false,
		"Maps given program counters of the process pid= to function names. Counters can be "
		"specified in a GET raw query or POST body, multiple counters are separated by '+'."},
	{"threadcreate", "threadcreate", true,
		"Stack traces that led to the creation of new threads"},
	{"threads", "threads", true,
		"Stack traces of all threads. Use debug=2 as a query parameter to export in the format of "
		"a panic."},
	{"trace", NULL, false, "Not available: an execution trace is the Go runtime's own"},
};

static const struct profile_route *profile_route__find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(profile_routes) / sizeof(profile_routes[0]); i++)
		if (profile_routes[i].kind && !strcmp(name, profile_routes[i].name))
			return &profile_routes[i];
	return NULL;
}

static void index__print(struct exchange *exchange, FILE *out)
{
	const struct serve_source *source = exchange__source(exchange);
	size_t cnt = sizeof(profile_routes) / sizeof(profile_routes[0]), i;

	fputs("<html>\n<head>\n<title>/debug/pprof/</title>\n<style>\n.profile-name{\n"
	      "\tdisplay:inline-block;\n\twidth:6rem;\n}\n</style>\n</head>\n<body>\n/debug/pprof/\n<br>\n"
	      "<p>Set debug=1 as a query parameter to export in legacy text format, and pid= for one "
	      "process</p>\n<br>\nTypes of profiles available:\n<table>\n"
	      "<thead><td>Count</td><td>Profile</td></thead>\n",
		out);
	for (i = 0; i < cnt; i++)
		fprintf(out, "<tr><td>%zu</td><td><a href='%s?debug=1'>%s</a></td></tr>\n",
			profile_routes[i].kind
				? source->sample_cnt(source->arg, profile_routes[i].kind)
				: 0,
			profile_routes[i].name, profile_routes[i].name);
	fputs("</table>\n<a href=\"goroutine?debug=2\">full thread stack dump</a>\n<br>\n<p>\n"
	      "Profile Descriptions:\n<ul>\n",
		out);
	for (i = 0; i < cnt; i++)
		fprintf(out, "<li><div class=profile-name>%s: </div> %s</li>\n",
			profile_routes[i].name, profile_routes[i].description);
	fputs("</ul>\n</p>\n</body>\n</html>", out);
}

static enum MHD_Result index__answer(struct exchange *exchange)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	if (!out)
		return MHD_NO;
	index__print(exchange, out);
	if (fclose(out)) {
		free(text);
		return MHD_NO;
	}
	return exchange__text(exchange, "text/html; charset=utf-8", text, bytes);
}

static void exchange__set_form(struct exchange *exchange, enum exchange_form form, const char *name,
	const char *file_suffix)
{
	exchange->form = form;
	snprintf(exchange->name, sizeof(exchange->name), "%s", name);
	exchange->content_type = form == FORM_PPROF ? OCTETS : TEXT_PLAIN;
	if (form == FORM_PPROF)
		snprintf(exchange->file_name, sizeof(exchange->file_name), "%s%s", name,
			file_suffix);
}

/* The checks and their texts are those of serveDeltaProfile in net/http/pprof, in its order. 0, or it has been answered. */
static int delta__check(struct exchange *exchange, const struct profile_route *route,
	int64_t *ret_seconds, enum MHD_Result *ret_result)
{
	const char *text = exchange__query(exchange, "seconds");
	int64_t seconds = 0;
	const char *reason = NULL;

	if (text && *text) {
		if (number__parse(text, &seconds) || seconds <= 0)
			reason = "invalid value for \"seconds\" - must be a positive integer";
		else if (!route->has_delta)
			reason = "\"seconds\" parameter is not supported for this profile type";
		else if (number__or_zero(exchange__query(exchange, "debug")))
			reason = "seconds and debug params are incompatible";
		else if (seconds > SECONDS_MAX)
			reason = "\"seconds\" is at most 600";
	}
	if (reason) {
		*ret_result = exchange__error(exchange, MHD_HTTP_BAD_REQUEST, "%s", reason);
		return -EINVAL;
	}
	*ret_seconds = seconds;
	return 0;
}

static enum MHD_Result profile__answer(struct exchange *exchange, const struct profile_route *route)
{
	const struct serve_source *source = exchange__source(exchange);
	struct serve_reading_request request = {.profile = route->kind, .peer = exchange->peer};
	int64_t seconds, debug = number__or_zero(exchange__query(exchange, "debug"));
	char reason[SERVE_REASON_MAX];
	enum MHD_Result result;

	if (exchange__query(exchange, "time"))
		return past__answer(exchange, strcmp(route->kind, "allocs") ? route->kind : "heap",
			route->name);
	if (delta__check(exchange, route, &seconds, &result) ||
		routes__target(exchange, &request.pid, &result))
		return result;
	if (source->find_profile(source->arg, route->kind, reason))
		return exchange__error(exchange, MHD_HTTP_NOT_IMPLEMENTED, "%s", reason);
	request.window_ns = (uint64_t)seconds * NS_PER_S;
	exchange__set_form(exchange,
		debug == 0   ? FORM_PPROF
		: debug >= 2 ? FORM_STACKS
			     : FORM_LEGACY,
		route->name, seconds ? "-delta" : "");
	return exchange__read(exchange, &request);
}

enum MHD_Result pprof__index(struct exchange *exchange)
{
	const char *name = exchange->path + strlen(PPROF_PREFIX);
	const struct profile_route *route = profile_route__find(name);

	if (!*name)
		return index__answer(exchange);
	if (!route)
		return exchange__error(exchange, MHD_HTTP_NOT_FOUND, "Unknown profile");
	return profile__answer(exchange, route);
}

enum MHD_Result pprof__profile(struct exchange *exchange)
{
	const struct serve_source *source = exchange__source(exchange);
	struct serve_reading_request request = {.profile = "cpu", .peer = exchange->peer};
	const char *text = exchange__query(exchange, "seconds");
	char reason[SERVE_REASON_MAX];
	enum MHD_Result result;
	int64_t seconds = 0;

	if (exchange__query(exchange, "time"))
		return past__answer(exchange, "cpu", "profile");
	if (!text || number__parse(text, &seconds) || seconds <= 0)
		seconds = 30;
	if (seconds > SECONDS_MAX)
		return exchange__error(
			exchange, MHD_HTTP_BAD_REQUEST, "\"seconds\" is at most %d", SECONDS_MAX);
	if (routes__target(exchange, &request.pid, &result))
		return result;
	if (source->find_profile(source->arg, "cpu", reason))
		return exchange__error(exchange, MHD_HTTP_INTERNAL_SERVER_ERROR,
			"Could not enable CPU profiling: %s", reason);
	request.window_ns = (uint64_t)seconds * NS_PER_S;
	exchange__set_form(exchange, FORM_PPROF, "profile", "");
	return exchange__read(exchange, &request);
}

/* Arguments end in NUL in /proc; Go joins them by NUL. */
static char *cmdline__read(uint32_t pid, size_t *ret_bytes)
{
	char path[40], *text = malloc(CMDLINE_BYTES_MAX);
	size_t bytes = 0;
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/cmdline", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	while (text && fd >= 0 && bytes < CMDLINE_BYTES_MAX &&
		(n = read(fd, text + bytes, CMDLINE_BYTES_MAX - bytes)) > 0)
		bytes += (size_t)n;
	if (fd >= 0)
		close(fd);
	if (!text || n < 0) {
		free(text);
		return NULL;
	}
	if (bytes && !text[bytes - 1])
		bytes--;
	*ret_bytes = bytes;
	return text;
}

enum MHD_Result pprof__cmdline(struct exchange *exchange)
{
	enum MHD_Result result;
	size_t bytes;
	uint32_t pid;
	char *text;

	if (routes__target(exchange, &pid, &result))
		return result;
	text = cmdline__read(pid ? pid : (uint32_t)getpid(), &bytes);
	if (!text)
		return exchange__error(
			exchange, MHD_HTTP_NOT_FOUND, "pid %" PRIu32 ": no such process", pid);
	return exchange__text(exchange, TEXT_PLAIN, text, bytes);
}

/* Addresses between '+', as Go's Symbol reads them: what is none is left out. */
static int addresses__parse(struct exchange *exchange, const char *text, size_t bytes)
{
	size_t at = 0, end;

	exchange->addresses = calloc(ADDRESSES_MAX, sizeof(*exchange->addresses));
	if (!exchange->addresses)
		return -ENOMEM;
	while (at < bytes && exchange->address_cnt < ADDRESSES_MAX) {
		uint64_t address;

		for (end = at; end < bytes && text[end] != '+'; end++)
			;
		address = number__address(text + at, end - at);
		if (address)
			exchange->addresses[exchange->address_cnt++] = address;
		at = end + 1;
	}
	return 0;
}

/* The raw query without pid=: "pid=7&0x1+0x2", "0x1+0x2&pid=7". */
static const char *symbol__query(const struct exchange *exchange, size_t *ret_bytes)
{
	const char *query = strchr(exchange->uri, '?'), *end;

	query = query ? query + 1 : "";
	while (!strncmp(query, "pid=", 4) && (end = strchr(query, '&')))
		query = end + 1;
	*ret_bytes = strcspn(query, "&");
	return query;
}

enum MHD_Result pprof__symbol(struct exchange *exchange)
{
	const char *text = exchange->body;
	size_t bytes = exchange->body_bytes;
	enum MHD_Result result;

	if (strcmp(exchange->method, "POST"))
		text = symbol__query(exchange, &bytes);
	if (routes__target(exchange, &exchange->pid, &result))
		return result;
	if (addresses__parse(exchange, text ? text : "", text ? bytes : 0))
		return MHD_NO;
	snprintf(exchange->name, sizeof(exchange->name), "symbol");
	exchange->content_type = TEXT_PLAIN;
	return exchange__symbolize(exchange);
}

enum MHD_Result pprof__trace(struct exchange *exchange)
{
	return exchange__error(exchange, MHD_HTTP_NOT_IMPLEMENTED,
		"Could not enable tracing: an execution trace is made by the Go runtime and has no "
		"counterpart outside of it; /api/status has the scheduler's figures");
}
