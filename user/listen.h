/* SPDX-License-Identifier: GPL-2.0 */
/* The socket that HTTP is served on. */
#ifndef BPFPROF_LISTEN_H
#define BPFPROF_LISTEN_H

#include <stdbool.h>

#include "parse.h"

/* A listening socket for address, or the one that systemd handed over (sd_listen_fds(3)), which then counts instead. The
 * descriptor; -errno with *ret_reason, a static string. */
int listen__open(const struct address *address, const char **ret_reason);
/* The port it got, in host order; 0: a unix socket. */
int listen__port(int fd);
/* Others than this machine's processes can connect to it. */
bool listen__is_remote(int fd);
/* Removes the socket file that listen__open() made. */
void listen__remove(const struct address *address);

#endif
