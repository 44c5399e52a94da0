/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's own list of its symbols. */
#ifndef SYMBOL_KALLSYMS_H
#define SYMBOL_KALLSYMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A line of /proc/kallsyms: "ffffffffc0201000 t nf_hook_entries_free\t[nf_conntrack]". */
struct kallsym {
	uint64_t address;
	char type;        /* of nm(1) */
	const char *name; /* into the line */
	size_t name_len;
	const char *module; /* without brackets; of length 0 for the kernel itself */
	size_t module_len;
};

/* line[len] without its newline. false: not such a line. */
bool kallsym__parse(const char *line, size_t len, struct kallsym *ret);
/* Calls fn for each line of a file in this format, read once from its start. -errno; 0. */
int kallsyms__each(int fd, void (*fn)(const struct kallsym *symbol, void *arg), void *arg);

#endif
