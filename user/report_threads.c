// SPDX-License-Identifier: GPL-2.0
/* The dump of all threads on stdout. */
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "output/threads_text.h"
#include "report.h"
#include "symbol/symbols.h"

int report__threads(const struct capture *capture, const struct symbols_options *symbols_options)
{
	struct output_source source = {.profile = capture__profile(capture, "threads")};
	struct threads_text threads = {.source = &source};
	struct symbols_options dump_options = *symbols_options;
	struct symbols *symbols = NULL;
	int err;

	threads.records = capture__threads(capture, &threads.cnt);
	dump_options.without_kernel = !threads_text__shows_kernel(threads.records, threads.cnt);
	err = symbols__resolve(
		source.profile, capture__files(capture), &dump_options, &symbols, NULL);

	if (err) {
		log__error("cannot name the functions of the threads: %s", strerror(-err));
		return -1;
	}
	source.symbols = symbols;
	err = threads_text__write(&threads, stdout);
	if (err)
		log__error("cannot print the threads: %s", strerror(-err));
	symbols__free(symbols);
	return err ? -1 : 0;
}
