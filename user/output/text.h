/* SPDX-License-Identifier: GPL-2.0 */
/* Text that a profiled process chose (symbols, comm, paths) made fit for a file or a terminal. */
#ifndef OUTPUT_TEXT_H
#define OUTPUT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Whether text[0 .. bytes) is UTF-8 as RFC 3629 has it: no surrogates, nothing overlong. */
bool text__is_utf8(const char *text, size_t bytes);
/* Makes text UTF-8 in place: '?' for each byte that is none. */
void text__repair_utf8(char *text, size_t bytes);
/* Whether it is UTF-8 without control characters, C1 ones among them; text__clean() makes it so, with '?' for each byte that is
 * not. A `string` of profile.proto has to be UTF-8, and its readers print it as it is. */
bool text__is_clean(const char *text, size_t bytes);
void text__clean(char *text, size_t bytes);
/* Makes one frame of a folded line in place, as stackcollapse-perf.pl does: clean, and ':' for ';', which parts the frames. */
void text__fold(char *text, size_t bytes);
/* Prints text with `\n`, `\t`, `\x1b` for what would drive a terminal: control characters (C1 ones
 * too), bytes that are no UTF-8, marks that turn the direction of writing. 0 or -errno. */
int text__print_escaped(const char *text, FILE *out);
/* The same between two `"`, with `\"` and `\\` for those in it. */
int text__print_quoted(const char *text, FILE *out);

#endif
