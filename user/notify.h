/* SPDX-License-Identifier: GPL-2.0 */
/* What systemd is told (sd_notify(3)), by hand: a datagram to the socket that NOTIFY_SOCKET names. */
#ifndef BPFPROF_NOTIFY_H
#define BPFPROF_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

/* The service manager waits for news. */
bool notify__is_wanted(void);
/* "READY=1", "STOPPING=1", "WATCHDOG=1". 0 or -errno; 0 when nobody waits. */
int notify__send(const char *text);
/* How often WATCHDOG=1 has to be sent, half the time that was set; 0: never. */
uint64_t notify__watchdog_ns(void);
/* Text of RELOADING=1 with the clock that it has to carry. */
int notify__reloading(void);

#endif
