// SPDX-License-Identifier: GPL-2.0
/* The daemon as others see it. */
#include "service.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "endpoint.h"
#include "listen.h"
#include "log.h"
#include "notify.h"
#include "serve/server.h"

struct service {
	const struct options *options;
	int listen_fd; /* -1: handed to the endpoint */
	char token[SERVER_TOKEN_MAX + 1];
	struct endpoint *endpoint;
};

/* The first line of the token file. Logs. */
static int token__read(const char *path, char ret[SERVER_TOKEN_MAX + 1])
{
	char text[SERVER_TOKEN_MAX + 2], escaped[256];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	ssize_t bytes = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	int err = bytes < 0 ? -errno : 0;
	struct stat st;

	log__escape(escaped, sizeof(escaped), path);
	if (!err && !fstat(fd, &st) && st.st_mode & 0077)
		log__warn("--listen-token-file: \"%s\" can be read by others than its owner; "
			  "chmod 600 it",
			escaped);
	if (fd >= 0)
		close(fd);
	if (err) {
		log__error("--listen-token-file: cannot read \"%s\": %s; give a file with a token",
			escaped, strerror(-err));
		return err;
	}
	text[bytes] = '\0';
	text[strcspn(text, "\r\n")] = '\0';
	if (strlen(text) < 16 || strlen(text) > SERVER_TOKEN_MAX) {
		log__error("--listen-token-file: the first line of \"%s\" is no token of 16 to %d "
			   "characters; openssl rand -hex 32 makes one",
			escaped, SERVER_TOKEN_MAX);
		return -EINVAL;
	}
	strcpy(ret, text);
	return 0;
}

static const char *address__text(const struct address *address, int port, char ret[300])
{
	if (address->kind == ADDRESS_UNIX)
		snprintf(ret, 300, "unix:%s", address->path);
	else
		snprintf(ret, 300, strchr(address->host, ':') ? "[%s]:%d" : "%s:%d", address->host,
			port);
	return ret;
}

/* The descriptor; -errno: logged; -ENOENT: not listening, and that is no failure. */
static int service__listen(const struct options *options)
{
	const char *reason = "cannot listen";
	char text[300], escaped[320];
	int fd = listen__open(&options->listen, &reason);

	if (fd >= 0)
		return fd;
	log__escape(escaped, sizeof(escaped),
		address__text(&options->listen, options->listen.port, text));
	if (options->listen_is_default) {
		log__warn("no HTTP on %s: %s; all else goes on; --listen gives another address, or "
			  "off",
			escaped, reason);
		return -ENOENT;
	}
	log__error("--listen: cannot listen on %s: %s; give another address", escaped, reason);
	return fd;
}

int service__open(const struct options *options, struct service **ret)
{
	struct service *service;
	int err = 0;

	*ret = NULL;
	if (options->listen.kind == ADDRESS_OFF)
		return 0;
	service = calloc(1, sizeof(*service));
	if (!service)
		return -ENOMEM;
	service->options = options;
	service->listen_fd = -1;
	if (options->token_file)
		err = token__read(options->token_file, service->token);
	if (!err)
		service->listen_fd = err = service__listen(options);
	if (err < 0) {
		free(service);
		return err == -ENOENT ? 0 : err;
	}
	if (listen__is_remote(service->listen_fd))
		log__warn(
			"--listen: other machines can connect, and what is sent is not encrypted; %s",
			options->token_file ? "who has the token sees every process"
					    : "all but this machine's users are refused without "
					      "--listen-token-file");
	*ret = service;
	return 0;
}

int service__start(struct service *service, struct loop *loop, struct capture *capture,
	struct trace *trace, const struct retain *retain, void (*want_drain)(void *arg), void *arg)
{
	const struct options *options = service->options;
	struct endpoint_options endpoint_options = {
		.listen_fd = service->listen_fd,
		.host = options->listen.kind == ADDRESS_TCP ? options->listen.host : "",
		.token = options->token_file ? service->token : NULL,
		.linger_ns = options->linger_ns,
		.frequency_hz = options->frequency_hz,
		.retain = retain,
		.want_drain = want_drain,
		.arg = arg,
	};
	int port = listen__port(service->listen_fd), err;
	char text[300], escaped[320];

	service->listen_fd = -1;
	err = endpoint__open(loop, capture, trace, &endpoint_options, &service->endpoint);
	log__escape(escaped, sizeof(escaped), address__text(&options->listen, port, text));
	if (err)
		log__error("--listen: cannot serve on %s: %s", escaped, strerror(-err));
	else
		log__info("HTTP on %s", escaped);
	return err;
}

static void service__on_watchdog(void *arg)
{
	(void)arg;
	notify__send("WATCHDOG=1");
}

void service__ready(struct loop *loop)
{
	uint64_t watchdog_ns = notify__watchdog_ns();

	if (watchdog_ns)
		loop__add_timer(loop, watchdog_ns, watchdog_ns, service__on_watchdog, NULL);
	notify__send("READY=1\nSTATUS=profiling");
}

void service__on_drained(struct service *service)
{
	if (service && service->endpoint)
		endpoint__on_drained(service->endpoint);
}

void service__reload(struct service *service)
{
	char token[SERVER_TOKEN_MAX + 1];

	notify__reloading();
	if (!service || !service->options->token_file) {
		log__info("reloaded: no file to read again");
	} else if (!token__read(service->options->token_file, token) &&
		   !endpoint__set_token(service->endpoint, token)) {
		log__info("reloaded: the token is what --listen-token-file holds now");
	} else {
		log__warn("not reloaded: the token is the one from before");
	}
	notify__send("READY=1");
}

void service__close(struct service *service)
{
	if (!service)
		return;
	endpoint__close(service->endpoint);
	if (service->listen_fd >= 0)
		close(service->listen_fd);
	listen__remove(&service->options->listen);
	free(service);
}
