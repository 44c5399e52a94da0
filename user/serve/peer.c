// SPDX-License-Identifier: GPL-2.0
/* SO_PEERCRED for unix sockets, sock_diag(7) for loopback. */
#include "serve/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

struct endpoints {
	struct sockaddr_storage local, remote;
};

static bool address__is_loopback(const struct sockaddr_storage *address)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;

	if (address->ss_family == AF_INET)
		return ntohl(in->sin_addr.s_addr) >> 24 == 127;
	if (address->ss_family != AF_INET6)
		return false;
	if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
		return in6->sin6_addr.s6_addr[12] == 127;
	return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
}

/* The address and port of one end as inet_diag wants them. A client of IPv4 on our IPv6 socket has an IPv4 socket. */
static void address__copy(
	const struct sockaddr_storage *address, __be32 ret_ip[4], __be16 *ret_port)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;

	if (address->ss_family == AF_INET) {
		memcpy(ret_ip, &in->sin_addr, sizeof(in->sin_addr));
		*ret_port = in->sin_port;
		return;
	}
	*ret_port = in6->sin6_port;
	if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
		memcpy(ret_ip, &in6->sin6_addr.s6_addr[12], 4);
	else
		memcpy(ret_ip, &in6->sin6_addr, 16);
}

struct diag_request {
	struct nlmsghdr header;
	struct inet_diag_req_v2 body;
};

/* The client's end: our remote address is its source. */
static void diag_request__fill(
	struct diag_request *request, const struct endpoints *ends, uint8_t family)
{
	*request = (struct diag_request){
		.header = {.nlmsg_len = sizeof(*request),
			.nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST},
		.body = {.sdiag_family = family,
			.sdiag_protocol = IPPROTO_TCP,
			.idiag_states = ~0u,
			.id = {.idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE}}},
	};
	address__copy(&ends->remote, request->body.id.idiag_src, &request->body.id.idiag_sport);
	address__copy(&ends->local, request->body.id.idiag_dst, &request->body.id.idiag_dport);
}

/* A socket that nobody has open any more (inode 0: orphaned, or in TIME_WAIT) is told with uid 0, which would be root:
 * whose it was is not known. */
static bool diag_reply__read(const char *buf, ssize_t bytes, uint32_t *ret_uid)
{
	const struct nlmsghdr *header = (const struct nlmsghdr *)buf;
	const struct inet_diag_msg *message = NLMSG_DATA(header);

	if (bytes < (ssize_t)NLMSG_SPACE(sizeof(*message)) || header->nlmsg_len > (size_t)bytes ||
		header->nlmsg_type != SOCK_DIAG_BY_FAMILY || !message->idiag_inode)
		return false;
	*ret_uid = message->idiag_uid;
	return true;
}

static bool diag__ask(const struct endpoints *ends, uint8_t family, uint32_t *ret_uid)
{
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	struct timeval patience = {.tv_usec = 50000}; /* it answers in the call; never hang */
	struct diag_request request;
	_Alignas(struct nlmsghdr) char buf[8192];
	bool is_found = false;
	ssize_t bytes;

	if (fd < 0)
		return false;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	diag_request__fill(&request, ends, family);
	if (send(fd, &request, sizeof(request), 0) == sizeof(request)) {
		bytes = recv(fd, buf, sizeof(buf), 0);
		is_found = diag_reply__read(buf, bytes, ret_uid);
	}
	close(fd);
	return is_found;
}

/* A dual-stack client's socket is an IPv6 one even when it speaks IPv4: the kernel finds either by the IPv4 addresses. */
static void peer__identify_inet(int fd, struct peer *peer)
{
	struct endpoints ends;
	socklen_t local_bytes = sizeof(ends.local), remote_bytes = sizeof(ends.remote);
	bool is_v4;

	memset(&ends, 0, sizeof(ends));
	if (getsockname(fd, (struct sockaddr *)&ends.local, &local_bytes) ||
		getpeername(fd, (struct sockaddr *)&ends.remote, &remote_bytes) ||
		!address__is_loopback(&ends.remote) || !address__is_loopback(&ends.local))
		return;
	is_v4 = ends.remote.ss_family == AF_INET ||
		IN6_IS_ADDR_V4MAPPED(&((struct sockaddr_in6 *)&ends.remote)->sin6_addr);
	if (diag__ask(&ends, is_v4 ? AF_INET : AF_INET6, &peer->uid))
		peer->kind = PEER_LOOPBACK;
}

void peer__identify(int fd, struct peer *ret)
{
	struct peer peer = {.kind = PEER_UNKNOWN, .uid = UINT32_MAX, .gid = UINT32_MAX};
	socklen_t bytes = sizeof(int);
	struct ucred cred;
	int family = 0;

	if (!getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &bytes)) {
		bytes = sizeof(cred);
		if (family == AF_INET || family == AF_INET6) {
			peer__identify_inet(fd, &peer);
		} else if (family == AF_UNIX &&
			   !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &bytes)) {
			peer = (struct peer){.kind = PEER_UNIX, .uid = cred.uid, .gid = cred.gid};
		}
	}
	*ret = peer;
}
