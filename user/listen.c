// SPDX-License-Identifier: GPL-2.0
/* The socket that HTTP is served on. */
#include "listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG         1024 /* a flood waits here, not in front of it */
#define LISTEN_FD_FIRST 3    /* SD_LISTEN_FDS_START */

/* The first socket of those that were handed over to this process; -ENOENT: none was. */
static int listen__inherited(void)
{
	const char *pid = getenv("LISTEN_PID"), *cnt = getenv("LISTEN_FDS");
	int is_listening = 0;
	socklen_t bytes = sizeof(is_listening);

	if (!pid || !cnt || atoi(pid) != getpid() || atoi(cnt) < 1)
		return -ENOENT;
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	if (getsockopt(LISTEN_FD_FIRST, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &bytes))
		return -errno;
	if (!is_listening)
		return -EINVAL;
	fcntl(LISTEN_FD_FIRST, F_SETFD, FD_CLOEXEC);
	fcntl(LISTEN_FD_FIRST, F_SETFL, O_NONBLOCK);
	return LISTEN_FD_FIRST;
}

static int socket__bind(int family, const struct sockaddr *address, socklen_t bytes)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1, err;

	if (fd < 0)
		return -errno;
	if (family != AF_UNIX)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, address, bytes) || listen(fd, BACKLOG)) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

static int listen__tcp(const struct address *address, const char **ret_reason)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found, *each;
	char port[8];
	int err;

	snprintf(port, sizeof(port), "%u", address->port);
	err = getaddrinfo(address->host, port, &hints, &found);
	if (err) {
		*ret_reason = gai_strerror(err);
		return -EADDRNOTAVAIL;
	}
	err = -EADDRNOTAVAIL;
	for (each = found; each && err < 0; each = each->ai_next)
		err = socket__bind(each->ai_family, each->ai_addr, each->ai_addrlen);
	freeaddrinfo(found);
	if (err < 0)
		*ret_reason = strerror(-err);
	return err;
}

/* A socket file that nobody serves any more is in the way of nobody. Another file stays, and so does one that is served. */
static void listen__remove_stale(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;

	if (fd < 0)
		return;
	if (!lstat(address->sun_path, &st) && S_ISSOCK(st.st_mode) &&
		connect(fd, (const struct sockaddr *)address, sizeof(*address)) &&
		errno == ECONNREFUSED)
		unlink(address->sun_path);
	close(fd);
}

/* Everybody may connect: who it is decides. */
static int listen__unix(const struct address *address, const char **ret_reason)
{
	struct sockaddr_un where = {.sun_family = AF_UNIX};
	int fd;

	strcpy(where.sun_path, address->path);
	listen__remove_stale(&where);
	fd = socket__bind(AF_UNIX, (const struct sockaddr *)&where, sizeof(where));
	if (fd < 0)
		*ret_reason = strerror(-fd);
	else
		chmod(where.sun_path, 0666);
	return fd;
}

int listen__open(const struct address *address, const char **ret_reason)
{
	int fd = listen__inherited();

	if (fd != -ENOENT) {
		*ret_reason = "what LISTEN_FDS hands over is no listening socket";
		return fd;
	}
	return address->kind == ADDRESS_UNIX ? listen__unix(address, ret_reason)
					     : listen__tcp(address, ret_reason);
}

int listen__port(int fd)
{
	struct sockaddr_storage address = {0};
	socklen_t bytes = sizeof(address);

	if (getsockname(fd, (struct sockaddr *)&address, &bytes))
		return 0;
	if (address.ss_family == AF_INET)
		return ntohs(((struct sockaddr_in *)&address)->sin_port);
	if (address.ss_family == AF_INET6)
		return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
	return 0;
}

bool listen__is_remote(int fd)
{
	struct sockaddr_storage address = {0};
	socklen_t bytes = sizeof(address);

	if (getsockname(fd, (struct sockaddr *)&address, &bytes))
		return true;
	if (address.ss_family == AF_INET)
		return ntohl(((struct sockaddr_in *)&address)->sin_addr.s_addr) >> 24 != 127;
	if (address.ss_family == AF_INET6)
		return !IN6_IS_ADDR_LOOPBACK(&((struct sockaddr_in6 *)&address)->sin6_addr);
	return false;
}

void listen__remove(const struct address *address)
{
	if (address->kind == ADDRESS_UNIX)
		unlink(address->path);
}
