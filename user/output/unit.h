/* SPDX-License-Identifier: GPL-2.0 */
/* Values as pprof's reports print them: 1.50s, 512kB, 99.80%. */
#ifndef OUTPUT_UNIT_H
#define OUTPUT_UNIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UNIT_TEXT_BYTES 64

/* unit is a value_type's: "nanoseconds", "bytes", or one that is not scaled ("count"). to is a unit
 * that unit__auto gave, or NULL: the largest unit in which the value is at least 1. */
void unit__label(int64_t value, const char *unit, const char *to, char ret[UNIT_TEXT_BYTES]);
/* The largest unit in which value is at least 1 ("ms", "kB"); "" when values of this unit are not
 * scaled. */
const char *unit__auto(int64_t value, const char *unit);
/* "49.50%", "  100%", " 0.5%": at least two digits. */
void unit__percentage(int64_t value, int64_t total, char ret[UNIT_TEXT_BYTES]);

#endif
