// SPDX-License-Identifier: GPL-2.0
/* The page of -f html, taken into the program. PAGE_DIR is where the build bundled it (tools/page-bundle). */
#include "output/page.h"

#define EMBED(symbol, file)                                                                        \
	__asm__(".pushsection .rodata\n"                                                           \
		".global " #symbol "\n"                                                            \
		".global " #symbol "_end\n" #symbol ":\n"                                          \
		".incbin \"" PAGE_DIR "/" file "\"\n" #symbol "_end:\n"                            \
		".byte 0\n"                                                                        \
		".popsection\n")

EMBED(page_report_head, "report_head.html");
EMBED(page_report_tail, "report_tail.html");
