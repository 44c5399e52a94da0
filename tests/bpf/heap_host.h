/* SPDX-License-Identifier: GPL-2.0 */
/* The heap's probes on the host: their maps, one process, and calls of an allocator's functions. */
#ifndef HEAP_HOST_H
#define HEAP_HOST_H

#include <math.h>

#include "fake_bpf.h"

#include "../../bpf/heap.bpf.c"
#include "walk_host.h"

#define SEED    0x1234567890abcdefull
#define STACK   0x7ffd00001000ull
#define CODE    0x555500000000ull
#define SPAN    0x100000ull
#define PROCESS 3u /* its index in the cookies */

static struct {
	struct prog_options options;
	struct heap_options heap;
	struct mm_struct mm;
	struct signal_struct signal;
	struct task_struct leader, thread;
	struct pt_regs regs;
	bool is_return;
	u32 process;
} host;

bool bpf_session_is_return(void)
{
	return host.is_return;
}

static void host__set_rate(u64 rate_bytes)
{
	int i;

	host.heap.rate_bytes = rate_bytes;
	for (i = 0; i <= HEAP_LOG2_STEPS; i++)
		host.heap.log2_q20[i] = (u32)lround(
			log2(1 + (double)i / HEAP_LOG2_STEPS) * (1 << 20));
	for (i = 0; i <= HEAP_WEIGHT_STEPS; i++) {
		double x = (double)i / (1 << HEAP_WEIGHT_SHIFT);

		host.heap.weight_q16[i] = (u32)lround((i ? x / -expm1(-x) : 1) * (1 << 16));
	}
	fake__set_const(&heap_options, &host.heap, sizeof(host.heap));
}

/* Powers of two. */
static void host__set_tables(u32 buckets, u32 sites)
{
	host.heap.bucket_mask = buckets - 1;
	host.heap.site_mask = sites - 1;
	host__set_rate(host.heap.rate_bytes);
}

static void host__publish(void)
{
	struct mapping_row row = {.start = CODE, .end = CODE + SPAN, .bias = CODE, .file_id = 7};
	struct mapping_slice slice = {.seq = 2,
		.first = 1,
		.cnt = 1,
		.pid = 200,
		.start_stack = host.mm.start_stack,
		.end_code = host.mm.end_code};
	struct unwind_file *file;
	u32 pid = 200, one = 1, file_id = 7;

	bpf_map_update_elem(&mapping_rows, &one, &row, BPF_ANY);
	bpf_map_update_elem(&mapping_slices, &one, &slice, BPF_ANY);
	bpf_map_update_elem(&process_slices, &pid, &one, BPF_ANY);
	file = bpf_map_lookup_elem(&unwind_files, &file_id);
	file->state = UNWIND_FRAME_POINTER;
}

static int host__setup(void **state)
{
	(void)state;
	fake__reset();
	memset(&host, 0, sizeof(host));
	walk_host__add_maps(16);
	FAKE_MAP_SIZED(heap_live, 64);
	FAKE_MAP_SIZED(heap_sites, 64);
	FAKE_MAP(heap_processes);
	FAKE_MAP(heap_hits);
	FAKE_MAP_SIZED(heap_usdts, 8);
	fake_map__add(
		&heap_threads, BPF_MAP_TYPE_HASH, 16, sizeof(void *), sizeof(struct heap_thread));

	host.options.hash_seed = SEED;
	host.options.all_processes = 1;
	host.options.cpu_cnt = FAKE_CPUS;
	fake__set_const(&options, &host.options, sizeof(host.options));
	host.heap.page_bytes = 4096;
	host.heap.rate_bytes = 1;
	host__set_tables(64, 64);
	host.mm.start_stack = STACK + 0x8000;
	host.mm.end_code = CODE + 0x2000;
	host.leader.pid = host.leader.tgid = 200;
	host.leader.group_leader = host.leader.real_parent = &host.leader;
	host.leader.start_boottime = 5000;
	host.leader.mm = &host.mm;
	host.leader.signal = &host.signal;
	strcpy(host.leader.comm, "leader");
	host.thread = host.leader;
	host.thread.pid = 201;
	fake.task = &host.thread;
	fake.task_regs = &host.regs;
	fake.random_state = SEED;
	host__publish();
	host.regs.cs = USER_CS_64BIT;
	host.regs.ip = CODE + 0x100;
	host.regs.sp = STACK;
	host.process = PROCESS;
	return 0;
}

/* ---- calls of an allocator, as its probes see them ---- */

static u64 host__cookie(enum heap_function function, bool nests)
{
	return (u64)function | (nests ? HEAP_COOKIE_NESTS : 0) |
	       (u64)host.process << HEAP_COOKIE_PROCESS_SHIFT;
}

/* What the session says to the kernel. */
static int host__enter(enum heap_function function, bool nests, u64 arg0, u64 arg1, u64 arg2)
{
	fake.cookie = host__cookie(function, nests);
	host.is_return = false;
	host.regs.di = arg0;
	host.regs.si = arg1;
	host.regs.dx = arg2;
	return heap_session(&host.regs);
}

/* sp: where it was at the entry. */
static void host__return(enum heap_function function, bool nests, u64 sp, u64 result)
{
	u64 before = host.regs.sp;

	fake.cookie = host__cookie(function, nests);
	host.is_return = true;
	host.regs.ax = result;
	host.regs.sp = sp + RETURN_POPS_BYTES;
	heap_session(&host.regs);
	host.regs.sp = before;
}

static __attribute__((unused)) void host__malloc(u64 size, u64 result)
{
	if (host__enter(HEAP_MALLOC, false, size, 0, 0) == WANT_RETURN)
		host__return(HEAP_MALLOC, false, host.regs.sp, result);
}

static __attribute__((unused)) void host__realloc(u64 old, u64 size, u64 result)
{
	if (host__enter(HEAP_REALLOC, true, old, size, 0) == WANT_RETURN)
		host__return(HEAP_REALLOC, true, host.regs.sp, result);
}

static __attribute__((unused)) void host__free(u64 addr)
{
	fake.cookie = host__cookie(HEAP_FREE, false);
	host.regs.di = addr;
	heap_free(&host.regs);
}

/* ---- what they have counted ---- */

static __attribute__((unused)) u64 host__counter(enum counter counter)
{
	u32 zero = 0, cpu;
	u64 sum = 0;

	for (cpu = 0; cpu < FAKE_CPUS; cpu++)
		sum += ((struct counter_values *)fake_map__lookup(&counters, &zero, cpu))
			       ->cnt[counter];
	return sum;
}

/* Of all sites of a process, and of what has none. */
static __attribute__((unused)) u64 host__sum(u32 process, enum heap_sum sum)
{
	struct heap_process *lost = fake_map__lookup(&heap_processes, &process, 0);
	u64 total = lost->lost[sum];
	u32 i;

	for (i = 0; i < 64; i++) {
		struct heap_site *site = fake_map__lookup(&heap_sites, &i, 0);

		if (site->ready && site->process == process)
			total += site->sums[sum];
	}
	return total;
}

static __attribute__((unused)) u32 host__site_cnt(void)
{
	u32 i, cnt = 0;

	for (i = 0; i < 64; i++)
		cnt += ((struct heap_site *)fake_map__lookup(&heap_sites, &i, 0))->ready;
	return cnt;
}

static __attribute__((unused)) struct heap_hits *host__hits(u32 process)
{
	return fake_map__lookup(&heap_hits, &process, fake.cpu);
}

static __attribute__((unused)) s64 host__in_use(u32 process)
{
	return ((struct heap_process *)fake_map__lookup(&heap_processes, &process, 0))
		->in_use_bytes;
}

#define assert_heap(process, alloc_objects, alloc_bytes, free_objects, free_bytes)                 \
	do {                                                                                       \
		assert_int_equal(host__sum(process, HEAP_ALLOC_OBJECTS),                           \
			(u64)(alloc_objects) << HEAP_OBJECT_SHIFT);                                \
		assert_int_equal(host__sum(process, HEAP_ALLOC_BYTES), alloc_bytes);               \
		assert_int_equal(host__sum(process, HEAP_FREE_OBJECTS),                            \
			(u64)(free_objects) << HEAP_OBJECT_SHIFT);                                 \
		assert_int_equal(host__sum(process, HEAP_FREE_BYTES), free_bytes);                 \
		assert_int_equal(host__in_use(process), (s64)(alloc_bytes) - (s64)(free_bytes));   \
	} while (0)

#endif
