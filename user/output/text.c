// SPDX-License-Identifier: GPL-2.0
/* Text that a profiled process chose, made fit for a file or a terminal. */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "output/text.h"

/* Bytes of the UTF-8 character at text, 0 when there is none; bytes > 0. RFC 3629, section 4. */
static size_t char_bytes(const char *text, size_t bytes, uint32_t *ret_char)
{
	static const uint32_t char_min[] = {0, 0, 0x80, 0x800, 0x10000};
	const uint8_t *byte = (const uint8_t *)text;
	size_t len = byte[0] < 0x80             ? 1
		     : (byte[0] & 0xe0) == 0xc0 ? 2
		     : (byte[0] & 0xf0) == 0xe0 ? 3
		     : (byte[0] & 0xf8) == 0xf0 ? 4
						: 0;
	uint32_t c = len == 1 ? byte[0] : byte[0] & (0x7f >> len);
	size_t i;

	if (!len || len > bytes)
		return 0;
	for (i = 1; i < len; i++) {
		if ((byte[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (byte[i] & 0x3f);
	}
	if (c < char_min[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret_char = c;
	return len;
}

bool text__is_utf8(const char *text, size_t bytes)
{
	uint32_t c;
	size_t len;

	for (; bytes; text += len, bytes -= len) {
		len = char_bytes(text, bytes, &c);
		if (!len)
			return false;
	}
	return true;
}

void text__repair_utf8(char *text, size_t bytes)
{
	uint32_t c;
	size_t len;

	for (; bytes; text += len, bytes -= len) {
		len = char_bytes(text, bytes, &c);
		if (!len) {
			*text = '?';
			len = 1;
		}
	}
}

static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

/* Line and paragraph separators, and the marks that turn the direction of writing. */
static bool is_format(uint32_t c)
{
	return (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x200e ||
	       c == 0x200f;
}

bool text__is_clean(const char *text, size_t bytes)
{
	uint32_t c;
	size_t len;

	for (; bytes; text += len, bytes -= len) {
		len = char_bytes(text, bytes, &c);
		if (!len || is_control(c))
			return false;
	}
	return true;
}

void text__clean(char *text, size_t bytes)
{
	uint32_t c;
	size_t len;

	text__repair_utf8(text, bytes);
	for (; bytes; text += len, bytes -= len) {
		len = char_bytes(text, bytes, &c);
		if (is_control(c))
			memset(text, '?', len);
	}
}

void text__fold(char *text, size_t bytes)
{
	size_t i;

	text__clean(text, bytes);
	for (i = 0; i < bytes; i++)
		if (text[i] == ';')
			text[i] = ':';
}

static int print_byte_escaped(uint8_t byte, FILE *out)
{
	switch (byte) {
	case '\n':
		return fputs("\\n", out);
	case '\t':
		return fputs("\\t", out);
	case '"':
	case '\\':
		return fprintf(out, "\\%c", byte);
	default:
		return fprintf(out, "\\x%02x", byte);
	}
}

static int print_plain(const char *from, const char *end, FILE *out)
{
	return fwrite(from, 1, end - from, out) != (size_t)(end - from) ? -1 : 0;
}

static bool is_to_be_escaped(uint32_t c, bool is_quoted)
{
	return is_control(c) || is_format(c) || (is_quoted && (c == '"' || c == '\\'));
}

static int print(const char *text, bool is_quoted, FILE *out)
{
	size_t bytes = strlen(text);
	const char *plain = text; /* not written yet */
	uint32_t c;
	size_t len;
	size_t i;

	for (; bytes; text += len, bytes -= len) {
		len = char_bytes(text, bytes, &c);
		if (len && !is_to_be_escaped(c, is_quoted))
			continue;
		if (print_plain(plain, text, out))
			return -errno;
		len = len ? len : 1;
		plain = text + len;
		for (i = 0; i < len; i++) {
			if (print_byte_escaped(text[i], out) < 0)
				return -errno;
		}
	}
	return print_plain(plain, text, out) ? -errno : 0;
}

int text__print_escaped(const char *text, FILE *out)
{
	return print(text, false, out);
}

int text__print_quoted(const char *text, FILE *out)
{
	int err;

	fputc('"', out);
	err = print(text, true, out);
	fputc('"', out);
	return err;
}
