// SPDX-License-Identifier: GPL-2.0
/* Records of the perf rings (MMAP2, COMM, FORK, EXIT, LOST), as many as the input holds, into a process table. The kernel
 * writes them, but of a process's choice: paths, addresses, and when. */
#include <linux/perf_event.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "process/event_record.h"

#define PIDS        4
#define PID_FIRST   (1u << 30) /* no process has it: /proc has nothing to say */
#define RECORDS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* So that records are about few processes, and about none that exists. The pid stands first in each of these records. */
static void record__confine(unsigned char *record, size_t bytes)
{
	struct perf_event_header *header = (struct perf_event_header *)record;
	size_t at;

	header->type = (const uint8_t[]){PERF_RECORD_MMAP2, PERF_RECORD_COMM, PERF_RECORD_FORK,
		PERF_RECORD_EXIT, PERF_RECORD_LOST, PERF_RECORD_SAMPLE}[header->type % 6];
	for (at = sizeof(*header); at < sizeof(*header) + 16 && at + 4 <= bytes; at += 4) {
		uint32_t *word = (uint32_t *)(record + at);

		if (at < sizeof(*header) + 8 || header->type != PERF_RECORD_MMAP2)
			*word = PID_FIRST + *word % PIDS;
	}
}

/* What the search in the kernel half relies on. */
static void check_process(const struct process *process)
{
	const struct image *image;
	uint32_t i;

	for (image = process->image; image; image = image->older)
		for (i = 0; i < image->row_cnt; i++)
			if (image->rows[i].start >= image->rows[i].end ||
				(i && image->rows[i - 1].end > image->rows[i].start))
				abort();
}

static void drop(struct process *process, void *arg)
{
	(void)arg;
	check_process(process);
}

static void apply_all(const uint8_t *data, size_t size, struct processes *processes)
{
	uint64_t time_ns = 1000;
	size_t records;

	for (records = 0; records < RECORDS_MAX && size >= sizeof(struct perf_event_header);
		records++) {
		struct perf_event_header header;
		unsigned char *record;

		memcpy(&header, data, sizeof(header));
		if (header.size < sizeof(header) || header.size > size)
			header.size = (uint16_t)(size < UINT16_MAX ? size : UINT16_MAX);
		/* of exactly this size, so that the sanitizer sees each read behind it */
		record = malloc(header.size);
		if (!record)
			abort();
		memcpy(record, data, header.size);
		memcpy(record, &header, sizeof(header));
		record__confine(record, header.size);
		time_ns += header.misc % 16;
		event_record__apply(record, processes, time_ns);
		data += header.size;
		size -= header.size;
		free(record);
	}
	processes__forget(processes, time_ns - 8, time_ns, drop, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct files *files = files__new();
	struct processes *processes = processes__new(files, size & 1, true);
	uint32_t pid;

	if (!files || !processes)
		abort();
	/* One is followed from the start, as if it had been asked for. */
	processes->track_all = true;
	processes__on_fork(processes, PID_FIRST, 1, 500);
	processes->track_all = size & 1;
	apply_all(data, size, processes);
	for (pid = PID_FIRST; pid < PID_FIRST + PIDS; pid++) {
		const struct process *process = processes__find(processes, pid);

		if (process)
			check_process(process);
	}
	processes__free(processes);
	files__free(files);
	return 0;
}
