/* SPDX-License-Identifier: GPL-2.0 */
/* One image, parsed from memory and from a file, against the rows it must give. Included once a
 * test. */
#ifndef TESTS_UNWIND_EXPECT_ROWS_H
#define TESTS_UNWIND_EXPECT_ROWS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "image.h"

#define ROW_RSP8 "cfa=rsp+8 rbp=u ra=c-8\n"

static struct image image; /* too big for a stack */
static struct result result;

/* The same rows must come from a file, in slices of one FDE, and from memory. */
static void expect_rows(const char *name, const struct image_spec *spec, const char *rows)
{
	image__make(&image, spec);
	result__of_memory(&result, image.data, image.len, NULL);
	if (result.err || strcmp(result.text, rows))
		print_message("%s: from memory\n", name);
	assert_string_equal(result.reason, "");
	assert_string_equal(result.text, rows);
	result__of_file(&result, image.data, image.len, NULL, 1);
	if (result.err || strcmp(result.text, rows))
		print_message("%s: from a file\n", name);
	assert_string_equal(result.reason, "");
	assert_string_equal(result.text, rows);
}

#endif
