/* SPDX-License-Identifier: GPL-2.0 */
/* Text as JSON. */
#ifndef OUTPUT_JSON_TEXT_H
#define OUTPUT_JSON_TEXT_H

#include <stddef.h>
#include <stdio.h>

/* Prints text[0 .. bytes) as a JSON string with its quotes. Bytes that are no UTF-8 become U+FFFD; `<`, `>`, `&` and the
 * line separators are escaped, so that the string may stand in a script element too. Errors are left in out. */
void json_text__print(FILE *out, const char *text, size_t bytes);

#endif
