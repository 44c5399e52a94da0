// SPDX-License-Identifier: GPL-2.0
/* libmicrohttpd in an epoll set of our own, beside what it suspended, the children and a clock. */
#include "serve/server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "serve/server_private.h"

#define CONNECTION_BYTES 16384 /* of a request's line and headers; then it is refused with 431 */
#define EVENTS_PER_TURN  64
#define TICK_NS          500000000

static void *server__on_uri(void *arg, const char *uri, struct MHD_Connection *connection)
{
	(void)connection;
	return exchange__new(arg, uri);
}

static enum MHD_Result server__on_part(void *arg, struct MHD_Connection *connection,
	const char *path, const char *method, const char *version, const char *part,
	size_t *part_bytes, void **context)
{
	(void)arg, (void)version;
	/* Out of memory: nothing was made for it, and the connection is closed. */
	return *context ? exchange__on_part(*context, connection, path, method, part, part_bytes)
			: MHD_NO;
}

static void server__on_completed(void *arg, struct MHD_Connection *connection, void **context,
	enum MHD_RequestTerminationCode code)
{
	(void)arg, (void)connection, (void)code;
	exchange__free(*context);
	*context = NULL;
}

static void server__on_connection(void *arg, struct MHD_Connection *connection, void **context,
	enum MHD_ConnectionNotificationCode code)
{
	const union MHD_ConnectionInfo *info;
	struct server *server = arg;

	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (*context)
			clients__remove(&server->clients, *context);
		*context = NULL;
		return;
	}
	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	*context = info ? clients__add(&server->clients, info->connect_fd) : NULL;
}

/* The clock runs while there is somebody to wait for. */
static void server__set_tick(struct server *server)
{
	bool is_wanted = server->clients.cnt || jobs__cnt(server->jobs);
	struct itimerspec spec = {{0, is_wanted ? TICK_NS : 0}, {0, is_wanted ? TICK_NS : 0}};

	if (is_wanted != server->is_ticking && !timerfd_settime(server->timer_fd, 0, &spec, NULL))
		server->is_ticking = is_wanted;
}

static void server__run_daemon(struct watch *watch)
{
	(void)watch; /* the daemon is run after every turn */
}

static void server__on_tick(struct watch *watch)
{
	struct server *server = (struct server *)((char *)watch -
						  offsetof(struct server, timer_watch));
	uint64_t expirations;

	if (read(server->timer_fd, &expirations, sizeof(expirations)) > 0)
		clients__cut_slow(&server->clients);
}

void server__on_ready(struct server *server)
{
	MHD_UNSIGNED_LONG_LONG timeout_ms;
	struct epoll_event event;
	int turn;

	/* One event at a time: what one frees cannot be in hand for the next. */
	for (turn = 0; turn < EVENTS_PER_TURN; turn++) {
		if (epoll_wait(server->epoll_fd, &event, 1, 0) > 0)
			((struct watch *)event.data.ptr)->fn(event.data.ptr);
		else if (MHD_get_timeout(server->daemon, &timeout_ms) != MHD_YES || timeout_ms)
			break;
		jobs__turn(server->jobs);
		MHD_run(server->daemon);
	}
	/* At its limit the library stops to accept, and begins again in the run after the one that closed some. */
	MHD_run(server->daemon);
	server__set_tick(server);
}

static int server__watch(struct server *server, int fd, struct watch *watch)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = watch};

	return epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static int server__start_daemon(struct server *server, int listen_fd)
{
	const union MHD_DaemonInfo *info;

	server->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
		server__on_part, server, MHD_OPTION_LISTEN_SOCKET, listen_fd,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned int)CLIENTS_MAX,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_URI_LOG_CALLBACK, server__on_uri,
		server, MHD_OPTION_NOTIFY_COMPLETED, server__on_completed, server,
		MHD_OPTION_NOTIFY_CONNECTION, server__on_connection, server, MHD_OPTION_END);
	if (!server->daemon) {
		close(listen_fd);
		return -ENOMEM;
	}
	info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	return info ? server__watch(server, info->epoll_fd, &server->daemon_watch) : -EINVAL;
}

static int server__open_watches(struct server *server)
{
	server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	server->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (server->epoll_fd < 0 || server->timer_fd < 0)
		return -errno;
	server->jobs = jobs__new(server->epoll_fd);
	if (!server->jobs)
		return -ENOMEM;
	return server__watch(server, server->timer_fd, &server->timer_watch);
}

int server__open(const struct server_options *options, const struct serve_source *source,
	struct server **ret)
{
	struct server *server = calloc(1, sizeof(*server));
	int err;

	if (!server) {
		close(options->listen_fd);
		return -ENOMEM;
	}
	*server = (struct server){.source = source,
		.epoll_fd = -1,
		.timer_fd = -1,
		.daemon_watch = {server__run_daemon},
		.timer_watch = {server__on_tick}};
	strncpy(server->host, options->host, sizeof(server->host) - 1);
	err = options->token ? server__set_token(server, options->token) : 0;
	if (!err)
		err = server__open_watches(server);
	if (err)
		close(options->listen_fd);
	else
		err = server__start_daemon(server, options->listen_fd);
	if (err) {
		server__close(server);
		return err;
	}
	*ret = server;
	return 0;
}

void server__close(struct server *server)
{
	struct exchange *exchange;

	if (!server)
		return;
	/* What is suspended must be resumed before the daemon stops. */
	for (exchange = server->exchanges; exchange; exchange = exchange->next)
		if (exchange->state == EXCHANGE_WAITING) {
			exchange->state = EXCHANGE_GONE;
			MHD_resume_connection(exchange->connection);
		}
	if (server->daemon)
		MHD_stop_daemon(server->daemon);
	jobs__free(server->jobs);
	if (server->epoll_fd >= 0)
		close(server->epoll_fd);
	if (server->timer_fd >= 0)
		close(server->timer_fd);
	free(server->token);
	free(server);
}

int server__fd(const struct server *server)
{
	return server->epoll_fd;
}

int server__set_token(struct server *server, const char *token)
{
	char *copy = strdup(token);

	if (!copy)
		return -ENOMEM;
	free(server->token);
	server->token = copy;
	return 0;
}
