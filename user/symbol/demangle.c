// SPDX-License-Identifier: GPL-2.0
/* Demangling through libiberty, made safe for names that a hostile file made up. */
#include "symbol/demangle.h"

#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <libiberty/demangle.h>

/*
 * A mangled name refers back to its own parts, so its demangled form can be exponentially longer
 * than itself. libiberty limits its recursion, not its output: the writer leaves by longjmp once
 * the buffer is full. The C++ and Rust demanglers hold no heap memory then: both keep theirs on the
 * stack, but for a Rust identifier in punycode, which is written in one piece of non-ASCII bytes.
 */
struct writer {
	char *buf;
	size_t size;
	size_t len;
	jmp_buf full;
};

static bool is_ascii(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] >= 0x80)
			return false;
	return true;
}

static void write_piece(const char *piece, size_t len, void *arg)
{
	struct writer *writer = arg;

	if (!len)
		return; /* piece may be NULL then */
	if (len < writer->size - writer->len) {
		memcpy(writer->buf + writer->len, piece, len);
		writer->len += len;
		return;
	}
	writer->len = writer->size - 1;
	if (is_ascii(piece, len))
		longjmp(writer->full, 1);
}

static size_t demangle_itanium_or_rust(const char *name, char *buf, size_t buf_bytes)
{
	const int options = DMGL_PARAMS | DMGL_ANSI;
	struct writer writer = {.buf = buf, .size = buf_bytes};

	if (setjmp(writer.full))
		return 0;
	/* Rust first: its legacy names are C++ names too, as in cplus_demangle(). */
	if (!rust_demangle_callback(name, options, write_piece, &writer)) {
		writer.len = 0;
		if (!cplus_demangle_v3_callback(name, options, write_piece, &writer))
			return 0;
	}
	if (writer.len >= buf_bytes - 1)
		return 0;
	buf[writer.len] = '\0';
	return writer.len;
}

/* D: has no form that writes to a callback. Two back references at most double a name. */
static size_t demangle_d(const char *name, char *buf, size_t buf_bytes)
{
	unsigned int references = 0;
	size_t len = 0;
	char *text;

	for (const char *c = name; *c; c++)
		references += *c == 'Q';
	if (references > 24)
		return 0;
	text = dlang_demangle(name, DMGL_PARAMS | DMGL_ANSI | DMGL_DLANG);
	if (text && strlen(text) < buf_bytes) {
		len = strlen(text);
		memcpy(buf, text, len + 1);
	}
	free(text);
	return len;
}

size_t demangle(const char *name, size_t len, char *buf, size_t buf_bytes)
{
	char copy[DEMANGLE_INPUT_MAX + 1];

	if (len < 3 || len > DEMANGLE_INPUT_MAX || buf_bytes < 2 || memchr(name, '\0', len))
		return 0;
	if (name[0] != '_' ||
		(name[1] != 'Z' && name[1] != 'R' && name[1] != 'D' && name[1] != '_'))
		return 0;
	memcpy(copy, name, len);
	copy[len] = '\0';
	if (name[1] == 'D')
		return demangle_d(copy, buf, buf_bytes);
	return demangle_itanium_or_rust(copy, buf, buf_bytes);
}
