// SPDX-License-Identifier: GPL-2.0
/* Executable mappings of an image against a model that keeps one entry a page. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "process/proc.h"
#include "process/process.h"

#define PAGES 64

static int map(struct image *image, uint64_t start, uint64_t end, uint32_t file_id)
{
	struct mapping_row row = {
		.start = start, .end = end, .bias = file_id * 1000ull, .file_id = file_id};

	return image__map(image, &row);
}

static void check_rows(const struct image *image)
{
	uint32_t i;

	for (i = 0; i < image->row_cnt; i++) {
		assert_true(image->rows[i].start < image->rows[i].end);
		if (i)
			assert_true(image->rows[i - 1].end <= image->rows[i].start);
	}
}

static void mappings_replace_what_they_overlap(void **state)
{
	unsigned int seed = 3;
	int round, i, page;

	(void)state;
	for (round = 0; round < 300; round++) {
		struct image image = {0};
		uint32_t model[PAGES] = {0};

		for (i = 1; i < 60; i++) {
			int start = rand_r(&seed) % PAGES,
			    end = start + 1 + rand_r(&seed) % (PAGES - start);

			if (rand_r(&seed) % 2 && end - start > 4)
				end = start + 1 + rand_r(&seed) % 4;
			assert_int_equal(map(&image, (uint64_t)start * 0x1000,
						 (uint64_t)end * 0x1000, (uint32_t)i),
				0);
			for (page = start; page < end; page++)
				model[page] = (uint32_t)i;
			check_rows(&image);
			for (page = 0; page < PAGES; page++) {
				const struct mapping_row *first = image__find(
					&image, (uint64_t)page * 0x1000);
				const struct mapping_row *last = image__find(
					&image, (uint64_t)page * 0x1000 + 0xfff);

				assert_ptr_equal(first, last);
				assert_int_equal(first ? first->file_id : 0, model[page]);
				if (first)
					assert_int_equal(first->bias, first->file_id * 1000ull);
			}
		}
		assert_null(image__find(&image, PAGES * 0x1000));
		assert_null(image__find(&image, UINT64_MAX));
		image__free_rows(&image);
	}
}

static void an_empty_image_has_nothing(void **state)
{
	struct image image = {0};

	(void)state;
	assert_null(image__find(&image, 0));
	assert_null(image__find(&image, UINT64_MAX));
}

static void the_ends_of_the_address_space(void **state)
{
	struct image image = {0};

	(void)state;
	assert_int_equal(map(&image, 0, 0x1000, 1), 0);
	assert_int_equal(map(&image, UINT64_MAX - 0xfff, UINT64_MAX, 2), 0);
	assert_int_equal(image__find(&image, 0)->file_id, 1);
	assert_int_equal(image__find(&image, UINT64_MAX - 1)->file_id, 2);
	assert_null(image__find(&image, UINT64_MAX));
	assert_int_equal(map(&image, 0, UINT64_MAX, 3), 0);
	assert_int_equal(image.row_cnt, 1);
	image__free_rows(&image);
}

static void a_child_has_its_parents_rows_until_one_of_them_changes(void **state)
{
	struct image parent = {0}, child = {0}, grandchild = {0};

	(void)state;
	assert_int_equal(map(&parent, 0x1000, 0x9000, 1), 0);
	assert_int_equal(image__share_rows(&parent, &child), 0);
	assert_int_equal(image__share_rows(&child, &grandchild), 0);
	assert_ptr_equal(child.rows, parent.rows);
	assert_ptr_equal(grandchild.rows, parent.rows);
	assert_int_equal(map(&parent, 0x4000, 0x5000, 2), 0);
	assert_int_equal(image__find(&parent, 0x4000)->file_id, 2);
	assert_int_equal(image__find(&child, 0x4000)->file_id, 1);
	image__free_rows(&parent);
	assert_int_equal(map(&grandchild, 0x1000, 0x2000, 3), 0);
	assert_int_equal(image__find(&child, 0x1000)->file_id, 1);
	assert_int_equal(image__find(&grandchild, 0x1000)->file_id, 3);
	image__free_rows(&grandchild);
	assert_int_equal(map(&child, 0x4000, 0x5000, 4), 0);
	assert_int_equal(image__find(&child, 0x4000)->file_id, 4);
	image__free_rows(&child);
}

static void a_mapping_within_another_splits_it(void **state)
{
	struct image image = {0};

	(void)state;
	assert_int_equal(map(&image, 0x1000, 0x9000, 1), 0);
	assert_int_equal(map(&image, 0x4000, 0x5000, 2), 0);
	assert_int_equal(image.row_cnt, 3);
	assert_int_equal(image__find(&image, 0x3fff)->file_id, 1);
	assert_int_equal(image__find(&image, 0x5000)->file_id, 1);
	assert_int_equal(image__find(&image, 0x5000)->start, 0x5000);
	image__free_rows(&image);
}

static void the_number_of_rows_is_capped(void **state)
{
	struct image image = {0};
	uint64_t i;
	int err = 0;

	(void)state;
	for (i = 0; i < PROC_MAPS_MAX + 10 && !err; i++)
		err = map(&image, 0x1000000 - 0x10 * i, 0x1000008 - 0x10 * i,
			1); /* downwards: the slow way */
	assert_int_equal(err, -E2BIG);
	assert_in_range(image.row_cnt, PROC_MAPS_MAX - 2, PROC_MAPS_MAX);
	check_rows(&image);
	image__free_rows(&image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mappings_replace_what_they_overlap),
		cmocka_unit_test(an_empty_image_has_nothing),
		cmocka_unit_test(the_ends_of_the_address_space),
		cmocka_unit_test(a_child_has_its_parents_rows_until_one_of_them_changes),
		cmocka_unit_test(a_mapping_within_another_splits_it),
		cmocka_unit_test(the_number_of_rows_is_capped),
	};

	return cmocka_run_group_tests_name("process_image", tests, NULL, NULL);
}
