// SPDX-License-Identifier: GPL-2.0
/* The table of embedded files. */
#include "serve/assets.h"

static const char page[] =
	"<!doctype html>\n<html lang=en>\n<title>bpfprof</title>\n<h1>bpfprof</h1>\n"
	"<ul>\n<li><a href=\"/debug/pprof/\">/debug/pprof/</a>: profiles</li>\n"
	"<li><a href=\"/metrics\">/metrics</a>: for Prometheus</li>\n"
	"<li><a href=\"/api/status\">/api/status</a>, <a "
	"href=\"/api/processes\">/api/processes</a>: JSON</li>\n</ul>\n</html>\n";

const struct asset assets[] = {
	{"/", "text/html; charset=utf-8", (const unsigned char *)page, sizeof(page) - 1},
};
const size_t asset_cnt = sizeof(assets) / sizeof(assets[0]);
