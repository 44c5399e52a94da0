/* SPDX-License-Identifier: GPL-2.0 */
/* Strings kept once each and known by a small number, counted from 0 in the order they came. */
#ifndef OUTPUT_NAMES_H
#define OUTPUT_NAMES_H

#include <stddef.h>
#include <stdint.h>

struct names;

/* NULL: out of memory. */
struct names *names__new(void);
void names__free(struct names *names);
/* The number of text[0 .. bytes), which is copied. 1 when it is new, 0 when it was there, -ENOMEM.
 */
int names__add(struct names *names, const char *text, size_t bytes, uint32_t *ret_name);
/* The same without the copy: text must stay until names is freed. */
int names__borrow(struct names *names, const char *text, size_t bytes, uint32_t *ret_name);
/* Ends in NUL when it was added, or borrowed from a string that does. */
const char *names__text(const struct names *names, uint32_t name);
size_t names__cnt(const struct names *names);

#endif
