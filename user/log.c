/* The messages of the front door: one line, one write, to stderr. */
#include "log.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum log_level max_level = LOG_LEVEL_INFO;
static bool to_journal;

/*
 * Length of the well-formed UTF-8 character at text, 0 if there is none (Unicode 15, table 3-7:
 * no overlong forms, no surrogates, nothing above U+10FFFF).
 */
static size_t utf8__char_len(const unsigned char *text, size_t len, uint32_t *ret_code)
{
	uint32_t code, min;
	size_t need, i;

	if (text[0] < 0x80) {
		*ret_code = text[0];
		return 1;
	}
	if (text[0] >= 0xc2 && text[0] <= 0xdf) {
		need = 2, code = text[0] & 0x1f, min = 0x80;
	} else if ((text[0] & 0xf0) == 0xe0) {
		need = 3, code = text[0] & 0x0f, min = 0x800;
	} else if (text[0] >= 0xf0 && text[0] <= 0xf4) {
		need = 4, code = text[0] & 0x07, min = 0x10000;
	} else {
		return 0;
	}
	if (len < need)
		return 0;
	for (i = 1; i < need; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (text[i] & 0x3f);
	}
	if (code < min || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	*ret_code = code;
	return need;
}

/* C0, C1, line and paragraph separators, and what reorders the text around it (UAX 9). */
static bool is_harmful(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x61c ||
	       (code >= 0x200e && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
	       (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

/*
 * Writes the next character of text, escaped where needed, to piece. Returns how many bytes of
 * text it stands for. A harmful character is escaped byte by byte.
 */
static size_t escape_char(char piece[8], const char *text, size_t len, bool quote)
{
	static const char names[] = "a\ab\bt\tn\nv\vf\fr\r";
	unsigned char byte = text[0];
	uint32_t code;
	size_t char_len = utf8__char_len((const unsigned char *)text, len, &code);
	size_t i;

	if (quote && (byte == '"' || byte == '\\')) {
		snprintf(piece, 8, "\\%c", byte);
		return 1;
	}
	if (char_len && !is_harmful(code)) {
		memcpy(piece, text, char_len);
		piece[char_len] = '\0';
		return char_len;
	}
	for (i = 0; i + 1 < sizeof(names); i += 2) {
		if (names[i + 1] == (char)byte) {
			snprintf(piece, 8, "\\%c", names[i]);
			return 1;
		}
	}
	snprintf(piece, 8, "\\x%02x", byte);
	return 1;
}

/* As log__escape_n; without quote, `"` and `\` stay. Returns the length written. */
static size_t escape(char *buf, size_t size, const char *text, size_t text_len, bool quote)
{
	size_t len = 0, safe_len = 0, piece_len, pos = 0;
	char piece[8];

	while (pos < text_len) {
		pos += escape_char(piece, text + pos, text_len - pos, quote);
		piece_len = strlen(piece);
		if (len + piece_len >= size) {
			/* safe_len: the last end of a piece after which `...` still fits. */
			len = safe_len;
			for (piece_len = 0; piece_len < 3 && len + 1 < size; piece_len++)
				buf[len++] = '.';
			break;
		}
		memcpy(buf + len, piece, piece_len);
		len += piece_len;
		if (len + 3 < size)
			safe_len = len;
	}
	buf[len] = '\0';
	return len;
}

const char *log__escape_n(char *buf, size_t size, const char *text, size_t text_len)
{
	escape(buf, size, text, text_len, true);
	return buf;
}

const char *log__escape(char *buf, size_t size, const char *text)
{
	return log__escape_n(buf, size, text, strlen(text));
}

void log__init(enum log_level level)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;
	char end;

	max_level = level;
	to_journal = stream && sscanf(stream, "%llu:%llu%c", &dev, &ino, &end) == 2 &&
		     fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

static void write_all(const char *line, size_t len)
{
	ssize_t written;

	while (len) {
		written = write(STDERR_FILENO, line, len);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return;
		line += written;
		len -= written;
	}
}

__attribute__((format(printf, 2, 0))) static void print(
	enum log_level level, const char *fmt, va_list args)
{
	int saved_errno = errno, head_len, text_len;
	char text[PIPE_BUF], line[PIPE_BUF];
	size_t len;

	if (level > max_level)
		return;
	if (to_journal)
		head_len = snprintf(line, sizeof(line), "<%d>bpfprof: ", level);
	else
		head_len = snprintf(line, sizeof(line), "bpfprof: ");

	/* A text that fills the whole buffer is longer than the rest of line: it gets its dots. */
	text_len = vsnprintf(text, sizeof(text), fmt, args);
	if (text_len < 0)
		text_len = 0, text[0] = '\0';
	len = head_len;
	len += escape(line + len, sizeof(line) - len - 1, text, strlen(text), false);
	line[len++] = '\n';
	write_all(line, len);
	errno = saved_errno;
}

void log__error(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	print(LOG_LEVEL_ERROR, fmt, args);
	va_end(args);
}

void log__warn(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	print(LOG_LEVEL_WARN, fmt, args);
	va_end(args);
}

void log__info(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	print(LOG_LEVEL_INFO, fmt, args);
	va_end(args);
}

void log__debug(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	print(LOG_LEVEL_DEBUG, fmt, args);
	va_end(args);
}
