/* SPDX-License-Identifier: GPL-2.0 */
/* What the files that parse the command line share. */
#ifndef BPFPROF_OPTIONS_PARSER_H
#define BPFPROF_OPTIONS_PARSER_H

#include "options.h"
#include "options_table.h"

#define MS_NS      1000000ULL
#define QUOTED_MAX 128 /* bytes of a value that a message shows */

struct parser {
	struct options options;
	char *error;
	char **argv;
	int option_idx;                 /* of the argument that getopt reads next */
	bool given[OPTION_VERSION + 1]; /* by key */
};

/* -EINVAL, with the line to log in parser->error. */
int parser__refuse(struct parser *parser, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* The value of the option key; arg: NULL where it has none. 0, or -errno as parser__refuse() has it. */
int parser__value(struct parser *parser, int key, const char *arg);
/* Those of the cnt features from first on that this version has, the first one in bit 0. */
uint32_t parser__available(size_t first, size_t cnt);

#endif
