// SPDX-License-Identifier: GPL-2.0
/* The executable mappings of one image, as the sorted rows that the kernel half searches. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "process/proc.h"
#include "process/process.h"

#define ROWS_MIN 16

struct image *image__new(uint64_t from_ns, struct image *older)
{
	struct image *image = calloc(1, sizeof(*image));

	if (image) {
		image->from_ns = from_ns;
		image->older = older;
	}
	return image;
}

void image__free_chain(struct image *image)
{
	while (image) {
		struct image *older = image->older;

		image__free_rows(image);
		free(image);
		image = older;
	}
}

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

/* Its array begins row_front rows before the first one. */
static struct mapping_row *image__array(const struct image *image)
{
	return image->rows ? image->rows - image->row_front : NULL;
}

void image__free_rows(struct image *image)
{
	if (image->row_owner_cnt && --*image->row_owner_cnt)
		return;
	free(image->row_owner_cnt);
	free(image__array(image));
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
	image__take_rows(into, from);
	return 0;
}

void image__take_rows(struct image *image, const struct image *from)
{
	image->row_owner_cnt = from->row_owner_cnt;
	image->rows = from->rows;
	image->row_cnt = from->row_cnt;
	image->row_front = from->row_front;
	image->row_capacity = from->row_capacity;
}

/* Before they are changed. */
static int image__own_rows(struct image *image)
{
	struct mapping_row *array;

	if (!image->row_owner_cnt || *image->row_owner_cnt == 1)
		return 0;
	array = calloc(image->row_capacity, sizeof(*array));
	if (!array)
		return -ENOMEM;
	memcpy(array + image->row_front, image->rows, image->row_cnt * sizeof(*array));
	--*image->row_owner_cnt;
	image->row_owner_cnt = NULL;
	image->rows = array + image->row_front;
	return 0;
}

/* Makes room for more rows before the first one, or after the last one. Most of what is free lies there afterwards, the
 * rest on the other side: a row costs a constant number of moves in the mean, at whichever end. */
static int image__reserve(struct image *image, uint32_t more, bool is_front)
{
	uint32_t behind = image->row_capacity - image->row_front - image->row_cnt;
	uint32_t capacity = image->row_capacity ? image->row_capacity : ROWS_MIN, spare, front;
	struct mapping_row *array = image__array(image);

	if ((is_front ? image->row_front : behind) >= more)
		return 0;
	while (capacity - image->row_cnt < more + image->row_cnt / 2)
		capacity *= 2;
	spare = capacity - image->row_cnt - more;
	front = is_front ? more + spare - spare / 4 : spare / 4;
	if (capacity != image->row_capacity) {
		array = reallocarray(array, capacity, sizeof(*array));
		if (!array)
			return -ENOMEM;
	}
	memmove(array + front, array + image->row_front, image->row_cnt * sizeof(*array));
	image->rows = array + front;
	image->row_front = front;
	image->row_capacity = capacity;
	return 0;
}

/* Puts cnt rows in the place of rows[first .. last). What lies on the shorter side of them moves. */
static int image__splice(struct image *image, uint32_t first, uint32_t last,
	const struct mapping_row *rows, uint32_t cnt)
{
	uint32_t behind_cnt = image->row_cnt - last;
	bool is_front = first < behind_cnt;
	int64_t more = (int64_t)cnt - (last - first);
	int err = more > 0 ? image__reserve(image, (uint32_t)more, is_front) : 0;

	if (err)
		return err;
	if (is_front) {
		memmove(image->rows - more, image->rows, first * sizeof(*rows));
		image->rows -= more;
		image->row_front = (uint32_t)(image->row_front - more);
	} else {
		memmove(&image->rows[first + cnt], &image->rows[last], behind_cnt * sizeof(*rows));
	}
	memcpy(&image->rows[first], rows, cnt * sizeof(*rows));
	image->row_cnt = (uint32_t)(image->row_cnt + more);
	return 0;
}

int image__map(struct image *image, const struct mapping_row *row)
{
	uint32_t first = image__lower_bound(image, row->start), last = first, cnt = 0;
	struct mapping_row rows[3];
	int err = image__own_rows(image);

	if (!err && image->row_cnt + IMAGE_ROWS_SPARE > PROC_MAPS_MAX)
		err = -E2BIG;
	if (err)
		return err;
	/* rows[first .. last) overlap the new one; of the outer two a part may stay */
	while (last < image->row_cnt && image->rows[last].start < row->end)
		last++;
	if (first < last && image->rows[first].start < row->start) {
		rows[cnt] = image->rows[first];
		rows[cnt++].end = row->start;
	}
	rows[cnt++] = *row;
	if (first < last && image->rows[last - 1].end > row->end) {
		rows[cnt] = image->rows[last - 1];
		rows[cnt++].start = row->end;
	}
	return image__splice(image, first, last, rows, cnt);
}

struct mapping_row files__row(struct files *files, const struct file_mapping *mapping)
{
	struct mapping_row row = {.start = mapping->start, .end = mapping->end};
	const struct file *file;

	row.file_id = files__intern(files, mapping);
	file = files__get(files, row.file_id);
	if (file)
		row.bias = file__bias(file, mapping->start, mapping->offset);
	return row;
}

struct mapping_row files__row_of(
	struct files *files, uint32_t pid, const struct proc_mapping *mapping)
{
	struct file_mapping file_mapping = {
		.identity = {.dev = mapping->dev, .ino = mapping->ino},
		.path = mapping->path,
		.deleted = mapping->deleted,
		.pid = (pid_t)pid,
		.start = mapping->start,
		.end = mapping->end,
		.offset = mapping->offset,
	};

	return files__row(files, &file_mapping);
}
