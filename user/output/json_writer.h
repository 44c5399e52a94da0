/* SPDX-License-Identifier: GPL-2.0 */
/* JSON, written as it comes, in a spelling that may stand inside of an HTML <script> element. */
#ifndef OUTPUT_JSON_WRITER_H
#define OUTPUT_JSON_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct json {
	FILE *out;
	int error;  /* the first -errno; nothing is written after it */
	bool comma; /* private: something stands before the next value */
};

/* Opens what a value may be inside of: '{' or '['. key: NULL unless it is an object's member. */
void json__open(struct json *json, const char *key, char bracket);
void json__close(struct json *json, char bracket);
void json__int(struct json *json, const char *key, int64_t value);
void json__real(struct json *json, const char *key, double value); /* six decimals */
void json__bool(struct json *json, const char *key, bool value);
/* text[0 .. bytes), whatever bytes: '?' for those that are no UTF-8. Escaped are also '<', '>' and
 * '&', so that no text ends the element around it or begins a comment in it, and the separators
 * U+2028 and U+2029. */
void json__text_n(struct json *json, const char *key, const char *text, size_t bytes);
void json__text(struct json *json, const char *key, const char *text);

#endif
