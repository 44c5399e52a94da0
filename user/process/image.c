// SPDX-License-Identifier: GPL-2.0
/* The executable mappings of one image, as the sorted rows that the kernel half searches. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "process/proc.h"
#include "process/process.h"

/* Index of the first row that ends above addr. */
static uint32_t image__lower_bound(const struct image *image, uint64_t addr)
{
	uint32_t low = 0, high = image->row_cnt;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (image->rows[middle].end <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct mapping_row *image__find(const struct image *image, uint64_t addr)
{
	uint32_t i = image__lower_bound(image, addr);

	if (i == image->row_cnt || image->rows[i].start > addr)
		return NULL;
	return &image->rows[i];
}

void image__free_rows(struct image *image)
{
	if (image->row_owner_cnt && --*image->row_owner_cnt)
		return;
	free(image->row_owner_cnt);
	free(image->rows);
}

int image__share_rows(struct image *from, struct image *into)
{
	if (!from->row_owner_cnt) {
		from->row_owner_cnt = calloc(1, sizeof(*from->row_owner_cnt));
		if (!from->row_owner_cnt)
			return -ENOMEM;
		*from->row_owner_cnt = 1;
	}
	++*from->row_owner_cnt;
	into->row_owner_cnt = from->row_owner_cnt;
	into->rows = from->rows;
	into->row_cnt = from->row_cnt;
	into->row_capacity = from->row_capacity;
	return 0;
}

/* Before they are changed. */
static int image__own_rows(struct image *image)
{
	struct mapping_row *rows;

	if (!image->row_owner_cnt || *image->row_owner_cnt == 1)
		return 0;
	rows = calloc(image->row_capacity, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	memcpy(rows, image->rows, image->row_cnt * sizeof(*rows));
	--*image->row_owner_cnt;
	image->row_owner_cnt = NULL;
	image->rows = rows;
	return 0;
}

static int image__reserve(struct image *image, uint32_t cnt)
{
	uint32_t capacity = image->row_capacity ? image->row_capacity : 16;
	struct mapping_row *rows;

	if (cnt > PROC_MAPS_MAX)
		return -E2BIG;
	while (capacity < cnt)
		capacity *= 2;
	if (capacity == image->row_capacity)
		return 0;
	rows = reallocarray(image->rows, capacity, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	image->rows = rows;
	image->row_capacity = capacity;
	return 0;
}

int image__map(struct image *image, const struct mapping_row *row)
{
	uint32_t first = image__lower_bound(image, row->start), last = first;
	struct mapping_row left, right;
	uint32_t keep_left = 0, keep_right = 0;
	int err = image__own_rows(image);

	if (!err)
		err = image__reserve(image, image->row_cnt + 2);
	if (err)
		return err;
	/* rows[first .. last) overlap the new one; of the outer two a part may stay */
	while (last < image->row_cnt && image->rows[last].start < row->end)
		last++;
	if (first < last) {
		left = image->rows[first];
		right = image->rows[last - 1];
		keep_left = left.start < row->start;
		keep_right = right.end > row->end;
		left.end = row->start;
		right.start = row->end;
	}
	memmove(&image->rows[first + keep_left + 1 + keep_right], &image->rows[last],
		(image->row_cnt - last) * sizeof(*image->rows));
	image->row_cnt += keep_left + 1 + keep_right - (last - first);
	if (keep_left)
		image->rows[first++] = left;
	image->rows[first++] = *row;
	if (keep_right)
		image->rows[first] = right;
	return 0;
}
