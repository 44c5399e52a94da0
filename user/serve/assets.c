// SPDX-License-Identifier: GPL-2.0
/* The files of the live page, as the build bundled them from user/output/page and user/serve/page. */
#include "serve/assets.h"

#include "output/embed.h"
#include "output/page.h"

#define ASSET(symbol, file)                                                                        \
	EMBED(symbol, file);                                                                       \
	extern const char symbol[], symbol##_end[]

ASSET(asset_live_html, "live.html");
ASSET(asset_live_css, "live.css");
ASSET(asset_live_js, "live.js");
ASSET(asset_dygraph_css, "dygraph.css");
ASSET(asset_dygraph_js, "dygraph.js");

#define HTML  "text/html; charset=utf-8"
#define CSS   "text/css; charset=utf-8"
#define JS    "text/javascript; charset=utf-8"
#define PLAIN "text/plain; charset=utf-8"

const struct asset assets[] = {
	{"/", HTML, asset_live_html, asset_live_html_end},
	{"/static/live.css", CSS, asset_live_css, asset_live_css_end},
	{"/static/live.js", JS, asset_live_js, asset_live_js_end},
	{"/static/dygraph.css", CSS, asset_dygraph_css, asset_dygraph_css_end},
	{"/static/dygraph.js", JS, asset_dygraph_js, asset_dygraph_js_end},
	/* What a capture is saved in. */
	{"/static/report_head.html", PLAIN, page_report_head, page_report_head_end},
	{"/static/report_tail.html", PLAIN, page_report_tail, page_report_tail_end},
};
const size_t asset_cnt = sizeof(assets) / sizeof(assets[0]);
