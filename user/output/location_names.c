// SPDX-License-Identifier: GPL-2.0
/* For each location the numbers of its lines' names. */
#include <errno.h>
#include <stdlib.h>

#include "output/location_names.h"

static size_t line_cnt(const struct symbol_location *location)
{
	return location->line_cnt ? location->line_cnt : 1;
}

static int add_lines(struct location_names *locations, const struct symbols *symbols,
	struct names *names, location_names_add add)
{
	const struct symbol_location *location;
	char unnamed[512];
	const char *text;
	size_t index;
	size_t line;
	int err;

	for (index = 0; index < frames__location_cnt(symbols); index++) {
		location = frames__location(symbols, index);
		for (line = 0; line < line_cnt(location); line++) {
			text = location->line_cnt ? location->lines[line].function
						  : symbol_location__name(symbols, location,
							    unnamed, sizeof(unnamed));
			err = add(names, location, text,
				&locations->names[locations->first[index] + line]);
			if (err < 0)
				return err;
		}
	}
	return 0;
}

int location_names__init(struct location_names *locations, const struct symbols *symbols,
	struct names *names, location_names_add add)
{
	size_t cnt = frames__location_cnt(symbols);
	size_t total = 0;
	size_t index;
	int err;

	locations->first = calloc(cnt + 1, sizeof(*locations->first));
	if (!locations->first)
		return -ENOMEM;
	for (index = 0; index < cnt; index++) {
		locations->first[index] = total;
		total += line_cnt(frames__location(symbols, index));
	}
	locations->first[cnt] = total;
	locations->names = calloc(total, sizeof(*locations->names));
	err = locations->names ? add_lines(locations, symbols, names, add) : -ENOMEM;
	if (err < 0)
		location_names__destroy(locations);
	return err;
}

void location_names__destroy(struct location_names *locations)
{
	free(locations->first);
	free(locations->names);
	*locations = (struct location_names){0};
}
