/* SPDX-License-Identifier: GPL-2.0 */
/* Lines and inlined calls from DWARF, through libdw; runs in a process of its own (dwarf.c). */
#ifndef SYMBOL_DWARF_LOOKUP_H
#define SYMBOL_DWARF_LOOKUP_H

#include <stddef.h>
#include <stdint.h>

#define DWARF_CALLS_MAX 64

/* A place in the source. Texts live as long as the lookup. */
struct dwarf_call {
	const char *name;        /* DW_AT_name; NULL: not known */
	const char *system_name; /* DW_AT_linkage_name; NULL: none */
	const char *file;        /* NULL: not known */
	const char *dir;         /* to put in front of file; NULL: none */
	uint32_t line;
	uint32_t start_line;
};

/* What is known of addresses[index]: calls[cnt], the innermost inlined one first, the function
 * last. */
typedef void dwarf_answer_fn(size_t index, const struct dwarf_call *calls, uint32_t cnt, void *arg);

/* addresses ascending; fn is called once for each that has a line. 0; -ENOENT: the file has no
 * DWARF; -EBADMSG, -ENOMEM. */
int dwarf_lookup(int fd, const uint64_t *addresses, size_t cnt, dwarf_answer_fn *answer, void *arg);

#endif
