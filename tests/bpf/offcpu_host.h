/* SPDX-License-Identifier: GPL-2.0 */
/* The off-CPU programs on the host: their maps, one process of some threads, and what they leave. */
#ifndef OFFCPU_HOST_H
#define OFFCPU_HOST_H

#include "fake_bpf.h"

/* What BPF_PROG() of libbpf names the program's context. */
static int host_context;
static void *ctx = &host_context;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#include "../../bpf/offcpu.bpf.c"
#include "walk_host.h"
#pragma GCC diagnostic pop

#define THREADS 8
#define PID     200
#define CODE    0x555500000000ull
#define STACK   0x7ffd00000000ull

#define US 1000ull
#define MS 1000000ull

#define CALL_READ      0
#define CALL_NANOSLEEP 35
#define CALL_FUTEX     202
#define CALL_YIELD     24
#define SLEEPS         1 /* TASK_INTERRUPTIBLE */
#define WAKE_OP        (1 | 128)
#define NO_CALL        (-1)

static struct {
	struct prog_options options;
	struct mm_struct mm;
	struct signal_struct signal;
	struct task_struct parent, idle, threads[THREADS];
	struct pt_regs regs[THREADS];
} host;

static void host__set_options(void)
{
	fake__set_const(&options, &host.options, sizeof(host.options));
}

/* Sleeping threads and running ones look alike to the programs, but for where they are. */
static void host__call(u32 thread, long number, u64 arg0, u64 arg1)
{
	struct pt_regs *regs = &host.regs[thread];

	regs->orig_ax = (unsigned long)number;
	regs->di = arg0;
	regs->si = arg1;
	regs->ip = CODE + 0x100 + thread * 0x10;
	regs->sp = STACK + 0x1000 + thread * 0x1000;
	regs->cs = USER_CS_64BIT;
}

static void host__make_process(void)
{
	const struct mapping_row row = {
		.start = CODE, .end = CODE + 0x100000, .bias = CODE, .file_id = 7};
	struct mapping_slice slice = {.seq = 2,
		.first = 1,
		.cnt = 1,
		.pid = PID,
		.start_stack = STACK + 0x100000,
		.end_code = CODE + 0x2000};
	struct unwind_file *file;
	u32 one = 1, pid = PID, id = 7, i;

	host.mm.start_stack = slice.start_stack;
	host.mm.end_code = slice.end_code;
	bpf_map_update_elem(&mapping_rows, &one, &row, BPF_ANY);
	bpf_map_update_elem(&mapping_slices, &one, &slice, BPF_ANY);
	bpf_map_update_elem(&process_slices, &pid, &one, BPF_ANY);
	file = bpf_map_lookup_elem(&unwind_files, &id);
	file->state = UNWIND_FRAME_POINTER;
	host.parent.pid = host.parent.tgid = 100;
	host.parent.group_leader = &host.parent;
	for (i = 0; i < THREADS; i++) {
		struct task_struct *task = &host.threads[i];

		task->pid = PID + (int)i;
		task->tgid = PID;
		task->group_leader = &host.threads[0];
		task->real_parent = &host.parent;
		task->start_boottime = 5000;
		task->mm = &host.mm;
		task->signal = &host.signal;
		snprintf(task->comm, sizeof(task->comm), i ? "worker-%u" : "leader", i);
		fake__add_regs(task, &host.regs[i]);
		host__call(i, NO_CALL, 0, 0);
	}
}

static int host__setup(void **state)
{
	(void)state;
	fake__reset();
	memset(&host, 0, sizeof(host));
	memset(&offcpu_control, 0, sizeof(offcpu_control));
	walk_host__add_maps(16);
	FAKE_MAP_SIZED(block_samples_0, 32);
	FAKE_MAP_SIZED(block_samples_1, 32);
	FAKE_MAP_SIZED(block_lost, 4);
	FAKE_MAP_SIZED(mutex_samples_0, 32);
	FAKE_MAP_SIZED(mutex_samples_1, 32);
	FAKE_MAP_SIZED(mutex_lost, 4);
	FAKE_MAP_SIZED(sched_samples_0, 32);
	FAKE_MAP_SIZED(sched_samples_1, 32);
	FAKE_MAP_SIZED(sched_lost, 4);
	FAKE_MAP_SIZED(offcpu_threads_states, THREADS);
	FAKE_MAP_SIZED(offcpu_processes, 4);
	FAKE_MAP_SIZED(futexes, 8);
	FAKE_MAP(offcpu_cpus);
	host.options.hash_seed = 0x1234567890abcdefull;
	host.options.all_processes = 1;
	host.options.cpu_cnt = FAKE_CPUS;
	host__set_options();
	host__make_process();
	fake.task = &host.threads[0];
	fake.now_ns = 1000000 * MS;
	fake.kernel_stack[KERNEL_FRAMES_SKIPPED] = 0xffffffff81000000ull;
	fake.kernel_stack_cnt = KERNEL_FRAMES_SKIPPED + 1;
	offcpu_control.enabled = OFFCPU_BLOCK | OFFCPU_SCHED;
	return 0;
}

/* The pass over all threads. */
static __attribute__((unused)) void host__pass(bool is_start)
{
	struct bpf_iter_meta meta = {0};
	struct bpf_iter__task iter = {.meta = &meta};
	u32 i;

	offcpu_control.want_reset = is_start;
	for (i = 0; i < THREADS; i++) {
		iter.task = &host.threads[i];
		offcpu_threads(&iter);
	}
	offcpu_control.want_reset = 0;
}

/* All threads are known, and run, which only this test could have them do at once. */
static __attribute__((unused)) void host__begin(void)
{
	u32 i;

	for (i = 0; i < THREADS; i++)
		host.threads[i].on_cpu = 1;
	host__pass(true);
}

/* prev leaves with this state, next comes. */
static __attribute__((unused)) void host__switch(
	struct task_struct *prev, struct task_struct *next, u32 state)
{
	fake.task = prev;
	prev->__state = state;
	offcpu_switch(false, prev, next, state);
	prev->on_cpu = 0;
	next->on_cpu = 1;
	next->__state = 0;
	fake.task = next;
	offcpu_switch_end(true);
}

static __attribute__((unused)) void host__leave(u32 thread, u32 state)
{
	host__switch(&host.threads[thread], &host.idle, state);
}

static __attribute__((unused)) void host__return(u32 thread)
{
	host__switch(&host.idle, &host.threads[thread], 0);
}

static __attribute__((unused)) void host__wake(u32 waker, u32 woken)
{
	fake.task = &host.threads[waker];
	offcpu_waking(&host.threads[woken]);
	offcpu_wakeup(&host.threads[woken]);
}

static __attribute__((unused)) u64 host__counter(enum counter counter)
{
	u32 zero = 0, cpu;
	u64 sum = 0;

	for (cpu = 0; cpu < FAKE_CPUS; cpu++)
		sum += ((struct counter_values *)fake_map__lookup(&counters, &zero, cpu))
			       ->cnt[counter];
	return sum;
}

/* Sum over a map's samples; the last key, when asked for. */
static __attribute__((unused)) struct sample_value host__sum(
	const void *map_variable, struct sample_key *ret_key)
{
	struct fake_map *map = fake_map__find(map_variable);
	struct sample_value sum = {0}, value;
	u32 i;

	for (i = 0; i < map->max_entries; i++) {
		if (!map->order[i])
			continue;
		memcpy(&value, map->values + (size_t)i * map->stride, sizeof(value));
		sum.count += value.count;
		sum.value += value.value;
		if (ret_key)
			memcpy(ret_key, map->keys + (size_t)i * map->key_size, sizeof(*ret_key));
	}
	return sum;
}

static __attribute__((unused)) struct offcpu_totals host__totals(void)
{
	struct offcpu_process key = {.start_ns = 5000, .pid = PID};
	struct offcpu_totals none = {0}, *totals = fake_map__lookup(&offcpu_processes, &key, 0);

	return totals ? *totals : none;
}

#endif
