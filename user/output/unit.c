// SPDX-License-Identifier: GPL-2.0
/* Values as pprof's reports print them (google/pprof, internal/measurement/measurement.go). */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "output/unit.h"

struct unit {
	const char *name;
	double factor;
};

struct unit_kind {
	const char *name; /* of what profiles count; its factor is 1 */
	struct unit zero; /* for a value below the smallest unit */
	struct unit units[6];
	size_t unit_cnt;
};

static const struct unit_kind unit_kinds[] = {
	{
		.name = "bytes",
		.zero = {"B", 1},
		.units =
			{
				{"B", 1},
				{"kB", 1ull << 10},
				{"MB", 1ull << 20},
				{"GB", 1ull << 30},
				{"TB", 1ull << 40},
				{"PB", 1ull << 50},
			},
		.unit_cnt = 6,
	},
	{
		.name = "nanoseconds",
		.zero = {"s", 1e9},
		.units = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"hrs", 3600e9}},
		.unit_cnt = 5,
	},
};

static const struct unit_kind *find_kind(const char *unit)
{
	size_t i;

	for (i = 0; i < sizeof(unit_kinds) / sizeof(unit_kinds[0]); i++) {
		if (!strcmp(unit_kinds[i].name, unit))
			return &unit_kinds[i];
	}
	return NULL;
}

/* to: NULL for the largest unit in which value is at least 1. */
static const struct unit *find_unit(const struct unit_kind *kind, double value, const char *to)
{
	const struct unit *best = &kind->zero;
	size_t i;

	for (i = 0; i < kind->unit_cnt; i++) {
		if (to ? !strcmp(kind->units[i].name, to) : value >= kind->units[i].factor)
			best = &kind->units[i];
	}
	return best;
}

const char *unit__auto(int64_t value, const char *unit)
{
	const struct unit_kind *kind = find_kind(unit);

	return kind ? find_unit(kind, fabs((double)value), NULL)->name : "";
}

void unit__label(int64_t value, const char *unit, const char *to, char ret[UNIT_TEXT_BYTES])
{
	const struct unit_kind *kind = find_kind(unit);
	struct unit scale = {"", 1};
	size_t bytes;

	if (kind)
		scale = *find_unit(kind, fabs((double)value), to);
	snprintf(ret, UNIT_TEXT_BYTES, "%.2f", (double)value / scale.factor);
	bytes = strlen(ret);
	if (!strcmp(ret + bytes - 3, ".00"))
		ret[bytes - 3] = '\0';
	if (!strcmp(ret, "0") || !strcmp(ret, "-0"))
		strcpy(ret, "0");
	else
		strcat(ret, scale.name);
}

void unit__percentage(int64_t value, int64_t total, char ret[UNIT_TEXT_BYTES])
{
	double ratio = total ? fabs((double)value / (double)total) * 100 : 0;

	if (ratio >= 99.95 && ratio <= 100.05)
		strcpy(ret, "  100%");
	else
		snprintf(ret, UNIT_TEXT_BYTES, ratio >= 1 ? "%5.2f%%" : "%5.2g%%", ratio);
}
