// SPDX-License-Identifier: GPL-2.0
/* Reader of the perf rings that carry process events. */
#include "process/events.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "process/clock.h"
#include "process/event_record.h"
#include "process/reread.h"
#include "process/scan.h"

#define RING_PAGES       64 /* 256 KiB a CPU: about 2,000 records, 200 execs */
#define PAGE_BYTES       4096u
#define RING_BYTES       ((size_t)RING_PAGES * PAGE_BYTES)
#define DRAIN_ROUNDS_MAX 4
#define SLICE_NS         5000000ull /* of one drain: a storm of mappings does not hold up the loop */
#define REREAD_NS        2000000ull /* of it, whatever else there is: what is mapped no more goes */
#define RECORDS_A_LOOK   16         /* at the clock */

struct ring {
	int fd;
	struct perf_event_mmap_page *page;
};

/* A record's place in the copy of one drain. */
struct record_ref {
	uint64_t time_ns;
	uint32_t offset;
};

struct process_events {
	struct ring *rings;
	int ring_cnt;
	unsigned char *arena; /* records of one drain, each 8-byte aligned */
	size_t arena_bytes, arena_capacity;
	struct record_ref *refs;
	size_t ref_cnt, ref_capacity;
	size_t applied_cnt; /* of the refs */
	uint64_t lost_cnt;
	struct process_scan scan; /* something was lost: /proc has to be read */
};

static int ring__open(int cpu, struct ring *ret)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_DUMMY,
		.sample_type = PERF_SAMPLE_TIME,
		.mmap = 1,
		.mmap2 = 1,
		.comm = 1,
		.comm_exec = 1,
		.task = 1,
		.sample_id_all = 1,
		.build_id = 1,
		.use_clockid = 1,
		.clockid = CLOCK_BOOTTIME,
		.watermark = 1,
		.wakeup_watermark = 1, /* each record wakes the daemon: stacks need mappings soon */
	};
	int fd = (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC), err;
	void *page;

	if (fd < 0)
		return -errno;
	page = mmap(NULL, RING_BYTES + PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED) {
		err = -errno;
		close(fd);
		return err;
	}
	ret->fd = fd;
	ret->page = page;
	return 0;
}

int process_events__open(struct process_events **ret, const char **ret_reason)
{
	struct process_events *events = calloc(1, sizeof(*events));
	int cpu, cpu_cnt = libbpf_num_possible_cpus(), err = -ENOMEM;

	*ret_reason = "cannot follow processes";
	if (!events)
		return -ENOMEM;
	if (cpu_cnt > 0)
		events->rings = calloc((size_t)cpu_cnt, sizeof(*events->rings));
	if (!events->rings)
		goto out;
	for (cpu = 0; cpu < cpu_cnt; cpu++) {
		err = ring__open(cpu, &events->rings[events->ring_cnt]);
		if (err == -ENODEV)
			continue; /* offline */
		if (err)
			goto out;
		events->ring_cnt++;
	}
	*ret = events;
	return 0;
out:
	process_events__close(events);
	return err;
}

void process_events__close(struct process_events *events)
{
	int i;

	if (!events)
		return;
	for (i = 0; i < events->ring_cnt; i++) {
		munmap(events->rings[i].page, RING_BYTES + PAGE_BYTES);
		close(events->rings[i].fd);
	}
	free(events->rings);
	free(events->arena);
	free(events->refs);
	process_scan__destroy(&events->scan);
	free(events);
}

int process_events__each_fd(
	const struct process_events *events, int (*fn)(int fd, void *arg), void *arg)
{
	int i, err = 0;

	for (i = 0; i < events->ring_cnt && !err; i++)
		err = fn(events->rings[i].fd, arg);
	return err;
}

uint64_t process_events__lost_cnt(const struct process_events *events)
{
	return events->lost_cnt;
}

/* Copies bytes out of the ring, over its end. */
static void ring__copy(const struct ring *ring, uint64_t position, void *to, size_t bytes)
{
	const unsigned char *data = (const unsigned char *)ring->page + PAGE_BYTES;
	size_t offset = position & (RING_BYTES - 1), first = RING_BYTES - offset;

	if (first > bytes)
		first = bytes;
	memcpy(to, data + offset, first);
	memcpy((unsigned char *)to + first, data, bytes - first);
}

static int events__reserve(struct process_events *events, size_t record_bytes)
{
	if (events->arena_bytes + record_bytes > events->arena_capacity) {
		size_t capacity = events->arena_capacity ? 2 * events->arena_capacity : 65536;
		unsigned char *arena = realloc(events->arena, capacity);

		if (!arena)
			return -ENOMEM;
		events->arena = arena;
		events->arena_capacity = capacity;
		return events__reserve(events, record_bytes);
	}
	if (events->ref_cnt == events->ref_capacity) {
		size_t capacity = events->ref_capacity ? 2 * events->ref_capacity : 512;
		struct record_ref *refs = reallocarray(events->refs, capacity, sizeof(*refs));

		if (!refs)
			return -ENOMEM;
		events->refs = refs;
		events->ref_capacity = capacity;
	}
	return 0;
}

/* Takes the ring's records that are older than before_ns into the arena. 1: newer ones are left. */
static int ring__take(struct process_events *events, const struct ring *ring, uint64_t before_ns)
{
	uint64_t head = __atomic_load_n(&ring->page->data_head, __ATOMIC_ACQUIRE);
	uint64_t tail = ring->page->data_tail;
	int err = 0;

	while (tail < head) {
		struct perf_event_header header;
		uint64_t time_ns;

		ring__copy(ring, tail, &header, sizeof(header));
		if (header.size < sizeof(header) + sizeof(time_ns) || header.size > head - tail)
			break;
		ring__copy(ring, tail + header.size - sizeof(time_ns), &time_ns, sizeof(time_ns));
		if (time_ns >= before_ns)
			break;
		err = events__reserve(events, header.size);
		if (err)
			break;
		ring__copy(ring, tail, events->arena + events->arena_bytes, header.size);
		events->refs[events->ref_cnt++] = (struct record_ref){
			.time_ns = time_ns, .offset = (uint32_t)events->arena_bytes};
		events->arena_bytes += header.size;
		tail += header.size;
	}
	__atomic_store_n(&ring->page->data_tail, tail, __ATOMIC_RELEASE);
	return err ? err : tail < head;
}

static int record_ref__compare(const void *a, const void *b)
{
	const struct record_ref *left = a, *right = b;

	if (left->time_ns != right->time_ns)
		return left->time_ns < right->time_ns ? -1 : 1;
	return left->offset < right->offset ? -1 : 1; /* order of writing, within one ring */
}

/* Takes what was written before now, of all rings, in the order of its times. 1: records were left. */
static int events__take(struct process_events *events)
{
	uint64_t before_ns = clock__ns(CLOCK_BOOTTIME);
	int i, err, left = 0;

	events->arena_bytes = 0;
	events->ref_cnt = events->applied_cnt = 0;
	for (i = 0; i < events->ring_cnt; i++) {
		err = ring__take(events, &events->rings[i], before_ns);
		if (err < 0)
			return err;
		left |= err;
	}
	if (events->ref_cnt)
		qsort(events->refs, events->ref_cnt, sizeof(*events->refs), record_ref__compare);
	return left;
}

/* True when all that was taken has been applied. */
static bool events__apply(
	struct process_events *events, struct processes *processes, uint64_t end_ns)
{
	while (events->applied_cnt < events->ref_cnt) {
		const struct record_ref *ref = &events->refs[events->applied_cnt++];
		uint64_t lost_cnt = event_record__apply(
			events->arena + ref->offset, processes, ref->time_ns);

		events->lost_cnt += lost_cnt;
		if (lost_cnt)
			process_scan__want(&events->scan);
		if (events->applied_cnt % RECORDS_A_LOOK == 0 &&
			clock__ns(CLOCK_BOOTTIME) >= end_ns)
			break;
	}
	return events->applied_cnt == events->ref_cnt;
}

/* 1: more is left to do. */
static int events__work(struct process_events *events, struct processes *processes, uint64_t end_ns)
{
	int round, left = 1;

	if (!events__apply(events, processes, end_ns))
		return 1;
	/* A ring wakes us once for what it holds: nothing may be left behind that is no newer than the last wake. */
	for (round = 0; round < DRAIN_ROUNDS_MAX && left > 0; round++) {
		left = events__take(events);
		if (left < 0)
			return left;
		if (!events__apply(events, processes, end_ns))
			return 1;
	}
	return left | process_scan__step(&events->scan, processes, end_ns);
}

int process_events__drain(
	struct process_events *events, struct processes *processes, bool *ret_more)
{
	uint64_t now_ns = clock__ns(CLOCK_BOOTTIME);
	int left;

	rereads__step(processes, now_ns + REREAD_NS);
	left = events__work(events, processes, now_ns + SLICE_NS);
	*ret_more = left > 0 || processes->reread || processes->rereads;
	return left < 0 ? left : 0;
}
