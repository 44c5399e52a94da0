/* SPDX-License-Identifier: GPL-2.0 */
/* For each location the numbers of its lines' names, so that reports compare numbers and not text.
 */
#ifndef OUTPUT_LOCATION_NAMES_H
#define OUTPUT_LOCATION_NAMES_H

#include <stdint.h>

#include "output/frames.h"
#include "output/names.h"

struct location_names {
	uint32_t *first; /* by location index, one more than locations: where its lines begin in
			    names */
	uint32_t *names; /* innermost first; a location without a line has one, "[libfoo.so+0x1234]"
			  */
};

/* add enters text, the name of one line of location, into names in the report's own spelling; 0 or
 * -errno. */
typedef int (*location_names_add)(struct names *names, const struct symbol_location *location,
	const char *text, uint32_t *ret_name);

/* 0, -ENOMEM or what add returned. */
int location_names__init(struct location_names *locations, const struct symbols *symbols,
	struct names *names, location_names_add add);
void location_names__destroy(struct location_names *locations);

#endif
