/* SPDX-License-Identifier: GPL-2.0 */
/* The few kernel types that bpf/ reads, by hand: each access is relocated by CO-RE against the running kernel's BTF,
 * so only names matter here, never offsets or the fields left out. */
#ifndef __VMLINUX_H__
#define __VMLINUX_H__

#include <linux/bpf.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;
typedef _Bool bool;
#define true  1
#define false 0

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	int counter;
} atomic_t;

struct ns_common {
	unsigned int inum;
};

struct pid_namespace {
	struct ns_common ns;
};

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	struct upid numbers[1];
};

enum pid_type {
	PIDTYPE_PID,
	PIDTYPE_TGID,
	PIDTYPE_MAX = 4,
};

struct signal_struct {
	atomic_t live;
	struct pid *pids[PIDTYPE_MAX];
	int nr_threads;
};

struct file;

struct vm_area_struct {
	unsigned long vm_start;
	unsigned long vm_end;
	struct file *vm_file;
	unsigned long vm_flags;
};

/* With CONFIG_SCHED_INFO, which delay accounting brings along too. Times are of the run queue's clock. */
struct sched_info {
	u64 last_arrival; /* on a CPU */
	u64 last_queued;  /* runnable since then; 0: on a CPU or asleep */
};

/* Of uprobes: the page whose first instruction a probed function returns to. */
struct xol_area {
	unsigned long vaddr;
};

struct uprobes_state {
	struct xol_area *xol_area;
};

struct mm_struct {
	unsigned long end_code;
	unsigned long start_stack;
	struct uprobes_state uprobes_state;
};

/* A call whose return address a return probe has replaced. */
struct return_instance {
	unsigned long stack; /* where that was */
	unsigned long orig_ret_vaddr;
	struct return_instance *next; /* the call around it */
};

struct uprobe_task {
	struct return_instance *return_instances;
	unsigned long vaddr; /* of the instruction that is stepped */
};

struct kernfs_node {
	u64 id;
};

struct cgroup {
	struct kernfs_node *kn;
};

struct css_set {
	struct cgroup *dfl_cgrp;
};

struct inode {
	unsigned short i_mode;
};

struct file {
	struct inode *f_inode;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct cfs_rq;

struct sched_entity {
	struct cfs_rq *cfs_rq;
	u64 sum_exec_runtime;
	u64 prev_sum_exec_runtime; /* when it last was put on a CPU */
	unsigned char sched_delayed; /* since 6.12: asleep, but left on the queue for a while */
};

struct thread_info {
	unsigned long flags;
	u32 status;
	u32 cpu;
};

struct task_struct {
	struct thread_info thread_info;
	unsigned int __state;
	unsigned int flags;
	int on_cpu;
	int on_rq;
	struct sched_entity se;
	unsigned int policy;
	struct sched_info sched_info;
	struct mm_struct *mm;
	int pid;
	int tgid;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	unsigned long nvcsw;
	unsigned long nivcsw;
	u64 start_boottime;
	char comm[16];
	struct files_struct *files;
	struct signal_struct *signal;
	struct css_set *cgroups;
	int exit_state;
	struct uprobe_task *utask;
};

struct rq;

struct cfs_rq {
	struct rq *rq;
	unsigned int h_nr_delayed;  /* 6.13 and stable 6.12 */
	unsigned int h_nr_queued;   /* since 6.14 */
	unsigned int h_nr_runnable; /* since 6.14: h_nr_queued without the delayed */
};

struct rq {
	unsigned int nr_running;
	struct cfs_rq cfs;
	unsigned int cpu;
	u64 clock;
	struct task_struct *curr;
	struct task_struct *idle;
};

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
	u64 session_id;
	u64 seq_num;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

#pragma clang attribute pop

/* include/linux/sched.h: stable since 2.6, and only these bits are read. */
#define PF_KTHREAD     0x00200000
#define PF_EXITING     0x00000004
#define VM_EXEC	       0x00000004 /* include/linux/mm.h */
#define TASK_RUNNING   0
#define TASK_DEAD      0x00000080

#define TASK_UNINTERRUPTIBLE 0x00000002
#define TASK_STOPPED_TRACED  0x0000000c /* __TASK_STOPPED | __TASK_TRACED */
#define TASK_TRACED	     0x00000008 /* __TASK_TRACED */
#define TASK_NOLOAD	     0x00000400 /* with TASK_UNINTERRUPTIBLE: idle */

#endif
