/* SPDX-License-Identifier: GPL-2.0 */
/* Files of the live page, embedded in the program. */
#ifndef SERVE_ASSETS_H
#define SERVE_ASSETS_H

#include <stddef.h>

struct asset {
	const char *path; /* "/", "/static/page.js" */
	const char *content_type;
	const char *data, *end;
};

extern const struct asset assets[];
extern const size_t asset_cnt;

#endif
