/* SPDX-License-Identifier: GPL-2.0 */
/* Names as their language writes them: C++, Rust (legacy and v0), D. */
#ifndef SYMBOL_DEMANGLE_H
#define SYMBOL_DEMANGLE_H

#include <stddef.h>

#define DEMANGLE_INPUT_MAX  4096
#define DEMANGLE_OUTPUT_MAX 8192

/*
 * Writes the demangled form of name[0 .. len) into buf, NUL-terminated, and returns its length; 0
 * when the name is not mangled, or its form would not fit into buf or would take too long.
 */
size_t demangle(const char *name, size_t len, char *buf, size_t buf_bytes);

#endif
