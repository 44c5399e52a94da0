/* SPDX-License-Identifier: GPL-2.0 */
/* The page of -f html, as the build bundled it from user/output/page. */
#ifndef OUTPUT_PAGE_H
#define OUTPUT_PAGE_H

/* A profile page is these three: what stands before the profile's JSON, the JSON, what stands after it. Both end in
 * NUL, which is none of their bytes. */
extern const char page_report_head[], page_report_head_end[];
extern const char page_report_tail[], page_report_tail_end[];

#endif
