/* SPDX-License-Identifier: GPL-2.0 */
/* What is left at the end of a capture: profile files, the top table, --stats. */
#ifndef BPFPROF_REPORT_H
#define BPFPROF_REPORT_H

#include "capture.h"
#include "folder.h"
#include "options.h"

struct symbols_options;

/* Names the profiles' frames, writes the files and prints the tables that options ask for. Logs each failure; the number
 * of failures. */
int report__write(const struct options *options, const struct capture *capture,
	const struct symbols_options *symbols_options);
/* Every thread of the last read of `threads`, on stdout. 0, or -1 after it was logged. */
int report__threads(const struct capture *capture, const struct symbols_options *symbols_options);
/* The line and the tables of --stats, on stderr. */
void report__stats(const struct capture *capture, const struct symbols_options *symbols_options);
/* DIR exists and can be written to: asked before a capture, not after it. A missing DIR is made. 0, or logged. */
int report__check_dir(const char *dir, struct folder *ret);

#endif
