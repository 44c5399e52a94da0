/* SPDX-License-Identifier: GPL-2.0 */
/* Samples of a clock on each CPU: for how many periods a tick stands, and counting it with its stack. */
#ifndef BPF_CLOCK_BPF_H
#define BPF_CLOCK_BPF_H

#include "walk_sample.bpf.h"

/* The last tick of a CPU that met a target, and whom. */
struct tick {
	u64 due_ns;     /* when the clock was to fire: it never does before */
	u64 switch_cnt; /* of the task */
	u32 tid;
	u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct tick);
} cpu_ticks SEC(".maps");

/* A clock that stood still, as in a CPU that was taken from a virtual machine, is weighted up this far: ticks. */
#define WEIGHT_MAX 100

/* How many of the periods that were asked for lie between two ticks of this clock: the daemon thins it when it costs too much. */
static __always_inline u64 tick__unit(const struct bpf_perf_event_data *ctx)
{
	u64 unit = options.period_ns ? ctx->sample_period / options.period_ns : 0;

	return unit ? unit : 1;
}

/*
 * How many periods this tick stands for, at least unit. The kernel's CPU clock (perf_swevent_hrtimer) forwards its timer past the
 * periods that it slept through without telling. They are the task's only if it has not left the CPU since the last tick:
 * an idle CPU's clock stands still as well. Ticks are due at multiples of the period and come with a delay that differs,
 * so it is the due times that are counted: of a tick that comes earlier than was thought, its own time.
 */
static __always_inline u64 tick__weight(struct task_struct *task, u64 now, u64 unit)
{
	u64 period = options.period_ns, due = now, weight = unit;
	u64 switch_cnt = task->nvcsw + task->nivcsw;
	u32 zero = 0;
	struct tick *last = bpf_map_lookup_elem(&cpu_ticks, &zero);

	if (!last)
		return unit;
	if (last->tid == (u32)task->pid && last->switch_cnt == switch_cnt && period) {
		weight = (now - last->due_ns) / period;
		if (weight < unit)
			weight = unit;
		else
			due = last->due_ns + weight * period;
		if (weight > WEIGHT_MAX * unit)
			weight = WEIGHT_MAX * unit;
	}
	last->due_ns = due;
	last->switch_cnt = switch_cnt;
	last->tid = task->pid;
	return weight;
}

static __always_inline void clock__count(struct bpf_perf_event_data *ctx, struct task_struct *task,
	struct sample_key *key, u64 weight, void *samples_0, void *samples_1, void *lost)
{
	if (!sample__walk_and_count(
		    ctx, task, key, samples_0, samples_1, lost, weight, weight * options.period_ns))
		counter__add(COUNTER_samples_epoch_race, weight);
}

#endif
