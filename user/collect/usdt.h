/* SPDX-License-Identifier: GPL-2.0 */
/* The statically defined probes (USDT) of an ELF file: the notes that <sys/sdt.h> and its like leave. */
#ifndef COLLECT_USDT_H
#define COLLECT_USDT_H

#include <stddef.h>
#include <stdint.h>

#include "collect/elf_code.h"
#include "usdt_argument.h"

struct usdt_probe {
	uint64_t offset;           /* in the file, of its instruction */
	uint64_t semaphore_offset; /* in the file, of the counter of those who listen; 0: none */
	uint32_t argument_cnt;     /* up to USDT_ARGUMENTS_MAX; the rest is not read */
	struct usdt_arguments arguments;
};

/* Calls fn for each probe of a provider whose place and arguments are understood. Returns how many were not. */
uint32_t usdt__each(const struct elf_code *code, const char *provider,
	void (*fn)(const char *name, const struct usdt_probe *probe, void *arg), void *arg);

/* Reads what a note says of its arguments, such as "8@%rdi -4@-20(%rbp)". How many there are; -EINVAL: one of the first
 * USDT_ARGUMENTS_MAX is not understood. x86-64 alone. */
int usdt_x86__parse(const char *text, struct usdt_arguments *ret);

#endif
