/* SPDX-License-Identifier: GPL-2.0 */
/* A moment in a query: RFC 3339 (2026-11-25T22:13:00Z, with a fraction or an offset too) or seconds since 1970. */
#ifndef SERVE_MOMENT_H
#define SERVE_MOMENT_H

#include <stdint.h>

/* Milliseconds since 1970. A '+' of an offset may have become a space, as in a query that was not escaped. 0 or -EINVAL. */
int moment__parse(const char *text, int64_t *ret_ms);

#endif
