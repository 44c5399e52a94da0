/* SPDX-License-Identifier: GPL-2.0 */
/* Why something of the kernel's was refused, and what to do about it. */
#ifndef BPFPROF_FAILURE_H
#define BPFPROF_FAILURE_H

#include <bpf/libbpf.h>
#include <stdarg.h>

/* Logs one line: reason, what failed; err, the -errno; and what the user can do. */
void failure__log(const char *reason, int err);
/* For libbpf_set_print(). */
int failure__print_libbpf(enum libbpf_print_level level, const char *format, va_list args);

#endif
