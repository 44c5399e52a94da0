// SPDX-License-Identifier: GPL-2.0
/* Cuts a file into lines with a buffer of fixed size. */
#include "symbol/line_reader.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

int line_reader__each(
	int fd, size_t bytes_max, bool (*fn)(const char *line, size_t len, void *arg), void *arg)
{
	char buf[64 * 1024];
	size_t len = 0;
	bool skip = false; /* the rest of a line that is too long */

	for (;;) {
		char *line = buf, *newline;
		ssize_t n = read(fd, buf + len, sizeof(buf) - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		if ((size_t)n > bytes_max)
			return -EFBIG;
		bytes_max -= n;
		len += n;
		while ((newline = memchr(line, '\n', buf + len - line))) {
			size_t line_len = newline - line;

			if (!skip && line_len <= LINE_BYTES_MAX && !fn(line, line_len, arg))
				return 0;
			skip = false;
			line = newline + 1;
		}
		len -= line - buf;
		memmove(buf, line, len);
		if (len > LINE_BYTES_MAX) {
			skip = true;
			len = 0;
		}
	}
}
