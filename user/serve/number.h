/* SPDX-License-Identifier: GPL-2.0 */
/* Numbers in a query as Go's strconv reads them, since net/http/pprof's answers to bad ones depend on it. */
#ifndef SERVE_NUMBER_H
#define SERVE_NUMBER_H

#include <stdint.h>

/* strconv.ParseInt(text, 10, 64): an optional sign and digits, nothing else. 0; -EINVAL; -ERANGE with the nearest number in
 * *ret. */
int number__parse(const char *text, int64_t *ret);
/* What `n, _ := strconv.Atoi(text)` leaves in n: 0 for no number. text may be NULL. */
int64_t number__or_zero(const char *text);
/* strconv.ParseUint(text, 0, 64) of text[0 .. bytes): 0x, 0o, 0b or decimal; 0 when it is none. */
uint64_t number__address(const char *text, unsigned long bytes);

#endif
