/* SPDX-License-Identifier: GPL-2.0 */
/* What the scheduler programs know of a CPU, and how long its run queue is. */
#ifndef BPF_SCHED_QUEUE_BPF_H
#define BPF_SCHED_QUEUE_BPF_H

#include "common.bpf.h"
#include "sched_stats.h"

struct sched_control sched_control;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* CPUs */
	__type(key, u32);
	__type(value, struct sched_cpu);
} sched_cpus SEC(".maps");

static __always_inline struct sched_cpu *sched_cpu__this(void)
{
	u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&sched_cpus, &cpu);
}

/* nr_running counts sleepers whose dequeue was delayed (6.12 and later). */
static __always_inline bool queues__are_exact(void)
{
	return !bpf_core_field_exists(struct sched_entity, sched_delayed) ||
	       bpf_core_field_exists(struct cfs_rq, h_nr_delayed) ||
	       (bpf_core_field_exists(struct cfs_rq, h_nr_queued) &&
		       bpf_core_field_exists(struct cfs_rq, h_nr_runnable));
}

static __always_inline u32 rq__runnable(struct rq *rq)
{
	u32 delayed = 0, running = BPF_CORE_READ(rq, nr_running);

	if (bpf_core_field_exists(rq->cfs.h_nr_delayed))
		delayed = BPF_CORE_READ(rq, cfs.h_nr_delayed);
	else if (bpf_core_field_exists(rq->cfs.h_nr_runnable) &&
		 bpf_core_field_exists(rq->cfs.h_nr_queued))
		delayed = BPF_CORE_READ(rq, cfs.h_nr_queued) - BPF_CORE_READ(rq, cfs.h_nr_runnable);
	/* Read without the lock: the two may be of different moments. */
	return delayed < running ? running - delayed : 0;
}

/*
 * Where the run queue of a CPU lies. The kernel does not say (its symbol is in BTF, but on kernels
 * without CONFIG_KALLSYMS_ALL its address is not to be had), but every thread points to that of its
 * CPU, and every CPU has threads of its own, such as ksoftirqd/N. Needs CONFIG_FAIR_GROUP_SCHED;
 * without it waiting threads are counted one by one.
 */
static __always_inline void run_queue__learn(struct task_struct *task)
{
	u32 key = task->thread_info.cpu;
	struct sched_cpu *cpu = bpf_map_lookup_elem(&sched_cpus, &key);
	struct rq *rq;

	if (!cpu || cpu->run_queue || !bpf_core_field_exists(struct cfs_rq, rq))
		return;
	rq = BPF_CORE_READ(task, se.cfs_rq, rq);
	if (rq && BPF_CORE_READ(rq, cpu) == key)
		cpu->run_queue = (u64)rq;
}

#endif
