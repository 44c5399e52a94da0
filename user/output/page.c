// SPDX-License-Identifier: GPL-2.0
/* The page of -f html, taken into the program. PAGE_DIR is where the build bundled it (tools/page-bundle). */
#include "output/embed.h"
#include "output/page.h"

EMBED(page_report_head, "report_head.html");
EMBED(page_report_tail, "report_tail.html");
