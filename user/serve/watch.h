/* SPDX-License-Identifier: GPL-2.0 */
/* What stands behind a descriptor in the server's epoll set: the first member of what is watched. */
#ifndef SERVE_WATCH_H
#define SERVE_WATCH_H

struct watch {
	void (*fn)(struct watch *watch);
};

#endif
