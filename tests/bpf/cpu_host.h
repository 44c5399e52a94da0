/* SPDX-License-Identifier: GPL-2.0 */
/* The CPU sampler on the host: its maps, one process with a stack and mappings, and what one tick leaves. */
#ifndef CPU_HOST_H
#define CPU_HOST_H

#include "fake_bpf.h"

#include "../../bpf/cpu.bpf.c"
#include "walk_host.h"

#define PERIOD_NS 10000000ull
#define SEED      0x1234567890abcdefull
#define STACK     0x7ffd00000000ull
#define CODE      0x555500000000ull /* file 7, bias below */
#define CODE_BIAS 0x555500000000ull
#define LIB       0x7f1200000000ull /* file 9 */
#define LIB_BIAS  (LIB - 0x1000)
#define JIT       0x7f8800000000ull
#define SPAN      0x100000ull

struct host_pid {
	struct pid pid;
	struct upid more[3];
};

static struct {
	struct prog_options options;
	struct mm_struct mm;
	struct signal_struct signal, parent_signal;
	struct task_struct parent, leader, thread;
	struct pt_regs regs;
	struct bpf_perf_event_data ctx;
	u64 sp;
} host;

static void host__set_options(void)
{
	fake__set_const(&options, &host.options, sizeof(host.options));
}

/* Publishes rows as the daemon does. */
static void host__publish(u32 pid, u32 slice, u32 first, const struct mapping_row *rows, u32 cnt)
{
	struct mapping_slice value = {.seq = 2,
		.first = first,
		.cnt = cnt,
		.pid = pid,
		.start_stack = host.mm.start_stack,
		.end_code = host.mm.end_code};
	u32 i;

	for (i = 0; i < cnt; i++) {
		u32 row = first + i;

		bpf_map_update_elem(&mapping_rows, &row, &rows[i], BPF_ANY);
	}
	bpf_map_update_elem(&mapping_slices, &slice, &value, BPF_ANY);
	bpf_map_update_elem(&process_slices, &pid, &slice, BPF_ANY);
}

static const struct mapping_row host_rows[] = {
	{.start = CODE, .end = CODE + SPAN, .bias = CODE_BIAS, .file_id = 7},
	{.start = LIB, .end = LIB + SPAN, .bias = LIB_BIAS, .file_id = 9},
	{.start = JIT, .end = JIT + SPAN},
};

static void host__set_state(u32 file_id, u32 state)
{
	struct unwind_file *file = bpf_map_lookup_elem(&unwind_files, &file_id);

	file->state = state;
}

static int host__setup(void **state)
{
	(void)state;
	fake__reset();
	memset(&host, 0, sizeof(host));
	walk_host__add_maps(65536 + 64);
	FAKE_MAP_SIZED(cpu_samples_0, 8);
	FAKE_MAP_SIZED(cpu_samples_1, 8);
	FAKE_MAP_SIZED(cpu_lost, 4);
	FAKE_MAP(cpu_ticks);

	host.options.hash_seed = SEED;
	host.options.period_ns = PERIOD_NS;
	host.options.all_processes = 1;
	host.options.cpu_cnt = FAKE_CPUS;
	host__set_options();

	host.mm.start_stack = STACK + 0x8000;
	host.mm.end_code = CODE + 0x2000;
	host.parent.pid = host.parent.tgid = 100;
	host.parent.group_leader = &host.parent;
	host.leader.pid = host.leader.tgid = 200;
	host.leader.group_leader = &host.leader;
	host.leader.real_parent = &host.parent;
	host.leader.start_boottime = 5000;
	host.leader.mm = &host.mm;
	host.leader.signal = &host.signal;
	strcpy(host.leader.comm, "leader");
	host.thread = host.leader;
	host.thread.pid = 201;
	host.thread.start_boottime = 6000;
	strcpy(host.thread.comm, "worker-1");
	fake.task = &host.thread;
	fake.task_regs = &host.regs;
	fake.now_ns = 1000 * PERIOD_NS;
	fake.boot_ns = 2000 * PERIOD_NS;
	fake.cgroup = 77;
	host__publish(200, 3, 10, host_rows, 3);
	host__set_state(7, UNWIND_FRAME_POINTER);
	host__set_state(9, UNWIND_FRAME_POINTER);

	host.sp = STACK + 0x1000;
	host.ctx.regs.cs = USER_CS_64BIT;
	host.ctx.regs.ip = CODE + 0x100;
	host.ctx.regs.sp = host.sp;
	host.ctx.regs.bp = 0;
	return 0;
}

/* Lays a chain of frame-pointer frames on the stack, the leaf's caller first; the last one is the root. */
static __attribute__((unused)) void host__push_frames(const u64 *returns, u32 cnt)
{
	u64 fp = host.sp + 0x10;
	u32 i;

	host.ctx.regs.bp = cnt ? fp : 0;
	for (i = 0; i < cnt; i++) {
		fake_user__write_u64(fp, i + 1 < cnt ? fp + 0x20 : 0);
		fake_user__write_u64(fp + 8, returns[i]);
		fp += 0x20;
	}
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

static __attribute__((unused)) u64 host__samples_of(const void *map_variable, u32 *ret_keys)
{
	struct fake_map *map = fake_map__find(map_variable);
	u64 sum = 0;
	u32 i;

	*ret_keys = 0;
	for (i = 0; i < map->max_entries; i++) {
		if (!map->order[i])
			continue;
		++*ret_keys;
		sum += ((struct sample_value *)(map->values + (size_t)i * map->stride))->count;
	}
	return sum;
}

/* The only key in the current epoch's map. */
static __attribute__((unused)) struct sample_key host__key(struct sample_value *ret_value)
{
	struct fake_map *map = fake_map__find(&cpu_samples_0);
	struct sample_key key;
	u32 i, cnt = 0;

	for (i = 0; i < map->max_entries; i++) {
		if (!map->order[i])
			continue;
		memcpy(&key, map->keys + (size_t)i * map->key_size, sizeof(key));
		if (ret_value)
			memcpy(ret_value, map->values + (size_t)i * map->stride,
				sizeof(*ret_value));
		cnt++;
	}
	assert_int_equal(cnt, 1);
	return key;
}

/* One tick; the stack's hash is that of the sample counted. */
static __attribute__((unused)) void host__tick(void)
{
	assert_int_equal(cpu_sample(&host.ctx), 0);
}

static __attribute__((unused)) const struct stack_record *host__record(u32 i)
{
	assert_true(i < fake.record_cnt);
	return (const struct stack_record *)fake.records[i].data;
}

static __attribute__((unused)) const u64 *host__frames(u32 i)
{
	return (const u64 *)(host__record(i) + 1);
}

#define FRAME(file_id, addr) (FRAME_FILE | (u64)(file_id) << FRAME_ADDR_BITS | (addr))

#endif
