// SPDX-License-Identifier: GPL-2.0
/* Reading an iterator over threads to its end. */
#include "collect/sched_records.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <bpf/bpf.h>

#define FIRST_CAPACITY 256

static int records__grow(struct sched_records *records)
{
	size_t capacity = records->capacity ? 2 * records->capacity : FIRST_CAPACITY;
	struct sched_thread_record *larger;

	if (capacity > SCHED_RECORDS_MAX)
		capacity = SCHED_RECORDS_MAX;
	larger = realloc(records->records, capacity * sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	records->records = larger;
	records->capacity = capacity;
	return 0;
}

static int record__compare(const void *a, const void *b)
{
	const struct sched_thread_record *left = a, *right = b;

	if (left->pid != right->pid)
		return left->pid < right->pid ? -1 : 1;
	return left->tid < right->tid ? -1 : left->tid > right->tid;
}

/* The pass runs while it is read: what finds no room is read all the same. */
static int records__read_all(
	struct sched_records *records, int fd, bool want_records, size_t *ret_bytes)
{
	char rest[4096];
	size_t bytes = 0;

	for (;;) {
		size_t room = want_records ? records->capacity * sizeof(*records->records) - bytes
					   : 0;
		ssize_t got;

		if (want_records && !room && records->capacity < SCHED_RECORDS_MAX) {
			int err = records__grow(records);

			if (err)
				return err;
			continue;
		}
		got = room ? read(fd, (char *)records->records + bytes, room)
			   : read(fd, rest, sizeof(rest));
		if (!got)
			break;
		if (got < 0 && errno != EINTR && errno != EAGAIN)
			return -errno;
		if (got > 0 && room)
			bytes += (size_t)got;
	}
	*ret_bytes = bytes;
	return 0;
}

int sched_records__read(struct sched_records *records, int link_fd, bool want_records)
{
	int fd = bpf_iter_create(link_fd), err;
	size_t bytes = 0;

	records->cnt = 0;
	if (fd < 0)
		return -errno;
	err = records__read_all(records, fd, want_records, &bytes);
	close(fd);
	if (err)
		return err;
	records->cnt = bytes / sizeof(*records->records);
	if (records->cnt)
		qsort(records->records, records->cnt, sizeof(*records->records), record__compare);
	return 0;
}

void sched_records__free(struct sched_records *records)
{
	free(records->records);
	*records = (struct sched_records){0};
}
