// SPDX-License-Identifier: GPL-2.0
/* A profile as one HTML file that opens offline. */
#include <errno.h>

#include "output/html.h"
#include "output/page.h"
#include "output/profile_json.h"

static int put(const char *text, const char *end, FILE *out)
{
	size_t bytes = end - text;

	return fwrite(text, 1, bytes, out) == bytes ? 0 : -errno;
}

int html__write(const struct output_source *source, FILE *out)
{
	int err = put(page_report_head, page_report_head_end, out);

	if (!err)
		err = profile_json__write(source, out);
	if (!err)
		err = put(page_report_tail, page_report_tail_end, out);
	return !err && fflush(out) ? -errno : err;
}
