// SPDX-License-Identifier: GPL-2.0
/* CPU samples: a clock on each CPU, the stack that runs when it ticks. */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#include "sample.bpf.h"
#include "walk.bpf.h"

/* The uapi context of a perf_event program. */
struct bpf_perf_event_data {
	struct perf_regs regs;
	u64 sample_period;
	u64 addr;
};

SAMPLE_MAPS(cpu)

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

/* A clock that stood still, as in a CPU that was taken from a virtual machine, is weighted up this far. */
#define WEIGHT_MAX 100

/*
 * How many periods this tick stands for. The kernel's CPU clock (perf_swevent_hrtimer) forwards its timer past the
 * periods that it slept through without telling. They are the task's only if it has not left the CPU since the last tick:
 * an idle CPU's clock stands still as well. Ticks are due at multiples of the period and come with a delay that differs,
 * so it is the due times that are counted: of a tick that comes earlier than was thought, its own time.
 */
static __always_inline u64 tick__weight(struct task_struct *task)
{
	u64 now = bpf_ktime_get_ns(), period = options.period_ns, due = now, weight = 1;
	u64 switch_cnt = task->nvcsw + task->nivcsw;
	u32 zero = 0;
	struct tick *last = bpf_map_lookup_elem(&cpu_ticks, &zero);

	if (!last)
		return 1;
	if (last->tid == (u32)task->pid && last->switch_cnt == switch_cnt && period) {
		weight = (now - last->due_ns) / period;
		if (weight < 1)
			weight = 1;
		else
			due = last->due_ns + weight * period;
		if (weight > WEIGHT_MAX)
			weight = WEIGHT_MAX;
	}
	last->due_ns = due;
	last->switch_cnt = switch_cnt;
	last->tid = task->pid;
	return weight;
}

static __always_inline u64 sample__stack(struct bpf_perf_event_data *ctx, struct walk *walk,
	struct task_struct *task, struct sample_key *key)
{
	walk__begin(walk);
	if (perf_regs__is_user(&ctx->regs)) {
		user_regs__copy(&walk->regs, &ctx->regs);
		walk__user(walk, task, key->pid, false);
	} else {
		walk__kernel(walk, ctx);
		if (!(task->flags & PF_KTHREAD) && task->mm) {
			struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);

			u64 syscall = pt_regs__syscall(regs);

			user_regs__copy(&walk->regs, regs);
			walk__user(walk, task, key->pid,
				syscall == SYSCALL_EXECVE || syscall == SYSCALL_EXECVEAT);
		}
	}
	return walk__finish(walk, task, key->pid, key->start_ns);
}

/* Walks and counts inside one epoch. */
static __always_inline void sample__take(struct bpf_perf_event_data *ctx, struct task_struct *task,
	struct sample_key *key, u64 weight)
{
	struct epoch_users *users;
	int parity = epoch__enter(&users);
	struct scratch *scratch;

	if (parity < 0) {
		counter__add(COUNTER_samples_epoch_race, weight);
		return;
	}
	scratch = scratch__get();
	if (scratch) {
		key->stack = sample__stack(ctx, &scratch->walk, task, key);
		scratch__put(scratch);
	} else {
		counter__add(COUNTER_samples_no_scratch, weight);
	}
	sample__count(&cpu_samples_0, &cpu_samples_1, &cpu_lost, parity, key, weight,
		weight * options.period_ns);
	epoch__exit(users, parity);
}

SEC("?perf_event")
int cpu_sample(struct bpf_perf_event_data *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct sample_key key = {};
	u64 weight;

	if (!task->pid) /* idle */
		return 0;
	key.pid = task__pid(task);
	if (!task__is_target(task, key.pid))
		return 0;
	weight = tick__weight(task);
	counter__add(COUNTER_samples, weight);
	if (weight > 1)
		counter__inc(COUNTER_samples_late);
	sample_key__fill(&key, task);
	sample__take(ctx, task, &key, weight);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
