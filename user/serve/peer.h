/* SPDX-License-Identifier: GPL-2.0 */
/* Who is at the other end of a connection, as the kernel knows it. */
#ifndef SERVE_PEER_H
#define SERVE_PEER_H

#include <stdbool.h>
#include <stdint.h>

enum peer_kind {
	PEER_UNKNOWN,  /* from another machine, or its socket could not be found */
	PEER_LOOPBACK, /* its socket is one of this network namespace: uid is whose */
	PEER_UNIX,     /* uid and gid are those of connect(2) */
};

struct peer {
	enum peer_kind kind;
	uint32_t uid;
	uint32_t gid; /* of PEER_UNIX only */
};

/* fd: a connected socket. Never fails: who cannot be identified is PEER_UNKNOWN. */
void peer__identify(int fd, struct peer *ret);

#endif
