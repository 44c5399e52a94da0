// SPDX-License-Identifier: GPL-2.0
/* Any symbol's name to the demanglers, into buffers of several sizes. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "symbol/demangle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t check(const char *name, size_t len, size_t buf_bytes)
{
	char *buf = malloc(buf_bytes);
	size_t out;

	if (!buf)
		abort();
	out = demangle(name, len, buf, buf_bytes);
	if (out && (out >= buf_bytes || buf[out] || strlen(buf) != out))
		abort();
	free(buf);
	return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *name = malloc(size + 1); /* no NUL behind it: the name's length is all that counts */
	size_t out;

	if (!name)
		abort();
	memcpy(name, data, size);
	out = check(name, size, DEMANGLE_OUTPUT_MAX);
	check(name, size, 1);
	check(name, size, 32);
	/* What just fits is the same, what does not is nothing. */
	if (out && out < 1024 && check(name, size, out) != 0)
		abort();
	free(name);
	return 0;
}
