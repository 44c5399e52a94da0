/* SPDX-License-Identifier: GPL-2.0 */
/* The vDSO's ELF image: the same in every 64-bit process of the host, so the daemon's own serves for all. */
#ifndef PROCESS_VDSO_H
#define PROCESS_VDSO_H

#include <stddef.h>

/* NULL when the kernel maps none. The image lives as long as the daemon. */
const void *vdso__image(size_t *ret_bytes);

#endif
