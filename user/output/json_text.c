// SPDX-License-Identifier: GPL-2.0
/* Text as JSON. */
#include "output/json_text.h"

#include <stdbool.h>
#include <string.h>

#include "output/text.h"

/* Bytes of the character that text begins with; 0: it is no UTF-8. */
static size_t character_bytes(const char *text, size_t bytes)
{
	size_t cnt;

	for (cnt = 1; cnt <= 4 && cnt <= bytes; cnt++)
		if (text__is_utf8(text, cnt))
			return cnt;
	return 0;
}

static bool is_separator(const char *text, size_t bytes)
{
	return bytes == 3 && (!memcmp(text, "\xe2\x80\xa8", 3) || !memcmp(text, "\xe2\x80\xa9", 3));
}

static void print_character(FILE *out, const char *text, size_t bytes)
{
	unsigned char c = (unsigned char)*text;

	if (!bytes)
		fputs("\\ufffd", out);
	else if (is_separator(text, bytes))
		fprintf(out, "\\u20%02x", (unsigned char)text[2] == 0xa8 ? 0x28 : 0x29);
	else if (bytes > 1)
		fwrite(text, 1, bytes, out);
	else if (c == '"' || c == '\\')
		fprintf(out, "\\%c", c);
	else if (c < 0x20 || c == 0x7f || c == '<' || c == '>' || c == '&')
		fprintf(out, "\\u%04x", c);
	else
		fputc(c, out);
}

void json_text__print(FILE *out, const char *text, size_t bytes)
{
	size_t at = 0, cnt;

	fputc('"', out);
	while (at < bytes) {
		cnt = character_bytes(text + at, bytes - at);
		print_character(out, text + at, cnt);
		at += cnt ? cnt : 1;
	}
	fputc('"', out);
}
