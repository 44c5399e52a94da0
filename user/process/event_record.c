// SPDX-License-Identifier: GPL-2.0
/* What is in the kernel's records: see PERF_RECORD_* in linux/perf_event.h. */
#include "process/event_record.h"

#include <linux/perf_event.h>
#include <stddef.h>
#include <string.h>

/* With sample_id_all and PERF_SAMPLE_TIME each record ends in its time. */
#define TIME_BYTES sizeof(uint64_t)

struct task_record {
	struct perf_event_header header;
	uint32_t pid, parent_pid, tid, parent_tid;
	uint64_t time;
};

struct comm_record {
	struct perf_event_header header;
	uint32_t pid, tid;
	char comm[];
};

struct mmap2_record {
	struct perf_event_header header;
	uint32_t pid, tid;
	uint64_t addr, len, offset;
	union {
		struct {
			uint32_t major, minor;
			uint64_t ino, ino_generation;
		};
		struct {
			uint8_t build_id_len, reserved1;
			uint16_t reserved2;
			uint8_t build_id[BUILD_ID_BYTES_MAX];
		};
	};
	uint32_t prot, flags;
	char path[];
};

struct lost_record {
	struct perf_event_header header;
	uint64_t id, cnt;
};

/* The kernel marks a file that has no name any more as /proc/PID/maps does. */
static void path__cut_deleted(char *path, struct file_mapping *mapping)
{
	static const char suffix[] = " (deleted)";
	size_t len = strlen(path);

	if (len < sizeof(suffix) || strcmp(path + len - (sizeof(suffix) - 1), suffix))
		return;
	path[len - (sizeof(suffix) - 1)] = '\0';
	mapping->deleted = true;
}

static void mmap2__apply(struct mmap2_record *record, struct processes *processes, uint64_t time_ns)
{
	size_t path_bytes = record->header.size - offsetof(struct mmap2_record, path) - TIME_BYTES;
	struct file_mapping mapping = {
		.path = record->path,
		.pid = (pid_t)record->pid,
		.start = record->addr,
		.end = record->addr + record->len,
		.offset = record->offset,
	};

	if (mapping.start >= mapping.end || !memchr(record->path, 0, path_bytes))
		return;
	path__cut_deleted(record->path, &mapping);
	if (record->header.misc & PERF_RECORD_MISC_MMAP_BUILD_ID) {
		mapping.identity.build_id_len = record->build_id_len <= BUILD_ID_BYTES_MAX
							? record->build_id_len
							: BUILD_ID_BYTES_MAX;
		memcpy(mapping.identity.build_id, record->build_id, mapping.identity.build_id_len);
	} else {
		/* makedev() of the C library, as /proc/PID/maps is read */
		mapping.identity.dev = ((uint64_t)(record->major & 0xfff) << 8) |
				       (record->minor & 0xff) |
				       ((uint64_t)(record->minor & ~0xffu) << 12) |
				       ((uint64_t)(record->major & ~0xfffu) << 32);
		mapping.identity.ino = record->ino;
	}
	processes__on_mmap(processes, &mapping, time_ns);
}

/* The least that a record of a type can have. */
static size_t record__bytes_min(uint32_t type)
{
	switch (type) {
	case PERF_RECORD_MMAP2:
		return offsetof(struct mmap2_record, path) + TIME_BYTES + 1;
	case PERF_RECORD_FORK:
	case PERF_RECORD_EXIT:
		return sizeof(struct task_record);
	case PERF_RECORD_COMM:
		return sizeof(struct comm_record);
	case PERF_RECORD_LOST:
		return sizeof(struct lost_record);
	default:
		return sizeof(struct perf_event_header);
	}
}

uint64_t event_record__apply(void *record, struct processes *processes, uint64_t time_ns)
{
	const struct perf_event_header *header = record;
	const struct task_record *task = record;
	const struct comm_record *comm = record;
	const struct lost_record *lost = record;

	if (header->size < record__bytes_min(header->type))
		return 0;
	switch (header->type) {
	case PERF_RECORD_MMAP2:
		mmap2__apply(record, processes, time_ns);
		break;
	case PERF_RECORD_FORK:
		processes__on_fork(processes, task->pid, task->parent_pid, time_ns);
		break;
	case PERF_RECORD_EXIT:
		processes__on_exit(processes, task->pid, task->tid, time_ns);
		break;
	case PERF_RECORD_COMM:
		if (header->misc & PERF_RECORD_MISC_COMM_EXEC)
			processes__on_exec(processes, comm->pid, time_ns);
		break;
	case PERF_RECORD_LOST:
		return lost->cnt;
	default:
		break;
	}
	return 0;
}
