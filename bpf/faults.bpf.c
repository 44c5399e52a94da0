// SPDX-License-Identifier: GPL-2.0
/* Page faults: the stack of each access that the kernel had to find memory for. */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "faults.h"
#include "walk_sample.bpf.h"

const volatile struct faults_options faults_options;

SAMPLE_MAPS(faults)

/*
 * A program that fills memory faults a million times a second, so that not every stack can be walked. A CPU's stacks stand
 * for 2^shift faults each, chosen at random: whatever the shift, totals are unbiased, since it depends on what came before
 * alone. It grows by one for as many stacks as the budget, and shrinks in a window with less than half of them.
 */
#define BUDGET_WINDOW_SHIFT 26  /* of 67 ms */
#define BUDGET_STACKS       512 /* in a window: 7,600 a second and CPU at the most, 2 % of it */
#define BUDGET_SHIFT_MAX    16

struct fault_budget {
	u64 window;
	u32 taken;
	u32 shift;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct fault_budget);
} fault_budgets SEC(".maps");

/* A task was given a huge page, and its fault has not been counted yet. */
struct fault_huge {
	u64 is_given;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct fault_huge);
} fault_huges SEC(".maps");

static __always_inline void budget__turn(struct fault_budget *budget, u64 now)
{
	u64 window = now >> BUDGET_WINDOW_SHIFT, passed = window - budget->window;

	if (!passed)
		return;
	if (passed > BUDGET_SHIFT_MAX)
		budget->shift = 0;
	else if (budget->shift && (passed > 1 || budget->taken < BUDGET_STACKS / 2))
		budget->shift--;
	budget->window = window;
	budget->taken = 0;
}

/* For how many faults this one's stack stands; 0: it is not taken. */
static __always_inline u64 budget__weight(struct fault_budget *budget)
{
	u32 shift;

	budget__turn(budget, bpf_ktime_get_ns());
	shift = budget->shift;
	if (shift > BUDGET_SHIFT_MAX)
		return 0;
	if (shift && bpf_get_prandom_u32() & ((1u << shift) - 1))
		return 0;
	if (++budget->taken >= BUDGET_STACKS) {
		budget->taken = 0;
		if (shift < BUDGET_SHIFT_MAX)
			budget->shift = shift + 1;
	}
	return 1ull << shift;
}

/* What the kernel has mapped for the access. */
static __always_inline u64 fault__bytes(struct task_struct *task)
{
	struct fault_huge *huge = bpf_task_storage_get(&fault_huges, task, NULL, 0);

	if (!huge || !huge->is_given)
		return faults_options.page_bytes;
	huge->is_given = 0;
	return (u64)faults_options.page_bytes << faults_options.huge_order;
}

static __always_inline int fault__on(struct bpf_perf_event_data *ctx, u32 tag)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct sample_key key = {.tag = tag};
	struct fault_budget *budget;
	u32 zero = 0;
	u64 weight, bytes;

	key.pid = task__pid(task);
	if (!task__is_target(task, key.pid))
		return 0;
	counter__inc(COUNTER_faults);
	bytes = fault__bytes(task);
	budget = bpf_map_lookup_elem(&fault_budgets, &zero);
	/* Huge ones are few, and much: each is taken. */
	weight = bytes == faults_options.page_bytes && budget ? budget__weight(budget) : 1;
	if (!weight)
		return 0;
	counter__inc(COUNTER_fault_stacks);
	sample_key__fill(&key, task);
	if (!sample__walk_and_count(ctx, task, &key, &faults_samples_0, &faults_samples_1,
		    &faults_lost, weight, weight * bytes))
		counter__add(COUNTER_faults_lost, weight);
	return 0;
}

SEC("?perf_event")
int fault_minor(struct bpf_perf_event_data *ctx)
{
	return fault__on(ctx, FAULT_MINOR);
}

SEC("?perf_event")
int fault_major(struct bpf_perf_event_data *ctx)
{
	return fault__on(ctx, FAULT_MAJOR);
}

/* Its code allocates them. 0: this kernel has none. */
extern const void do_huge_pmd_anonymous_page __ksym __weak;

#define HUGE_CODE_BYTES                                                                            \
	1024 /* of it, up to the call; what lies behind it allocates no pages of this size */
#define HUGE_FRAMES_MAX 12 /* the allocator's own, before it */

static __always_inline bool alloc__is_huge_fault(void *ctx)
{
	u64 frames[HUGE_FRAMES_MAX] = {}, code = (u64)&do_huge_pmd_anonymous_page;
	u32 i;

	if (!code || bpf_get_stack(ctx, frames, sizeof(frames), 0) < 0)
		return false;
#pragma unroll
	for (i = 0; i < HUGE_FRAMES_MAX; i++)
		if (frames[i] - code < HUGE_CODE_BYTES)
			return true;
	return false;
}

/* Anonymous memory that comes as a huge page: the kernel tells of the page, and a moment later of the fault. One that is
 * read first gets the page of zeros, which is there already. */
SEC("?tp_btf/mm_page_alloc")
int BPF_PROG(fault_page_alloc, void *page, unsigned int order)
{
	struct task_struct *task;
	struct fault_huge *huge;

	if (order != faults_options.huge_order || !page || !alloc__is_huge_fault(ctx))
		return 0;
	task = bpf_get_current_task_btf();
	if (!task__is_target(task, task__pid(task)))
		return 0;
	huge = bpf_task_storage_get(&fault_huges, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (huge)
		huge->is_given = 1;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
