/* SPDX-License-Identifier: GPL-2.0 */
/* Which executable mapping of a process an address lies in. */
#ifndef BPF_MAPPING_BPF_H
#define BPF_MAPPING_BPF_H

#include "scratch.bpf.h"

#define MAPPING_SEARCH_STEPS 17 /* 65,536 mappings a process: vm.max_map_count is 65,530 */

static __always_inline void walk__no_row(struct walk *walk)
{
	walk->row.start = 0;
	walk->row.end = 0;
	walk->row.file_id = 0;
}

/* Uses the slice if it describes the image that task executes: the daemon learns of an exec a little after it happened.
 * The rows themselves stay until every program that may have seen them has left its epoch. */
static __always_inline bool slice__use(struct walk *walk, struct task_struct *task, u32 index)
{
	volatile struct mapping_slice *slice = bpf_map_lookup_elem(&mapping_slices, &index);
	u64 start_stack, end_code;
	u32 seq, first, cnt;

	if (!slice)
		return false;
	seq = slice->seq;
	first = slice->first;
	cnt = slice->cnt;
	start_stack = slice->start_stack;
	end_code = slice->end_code;
	if (seq & 1 || seq != slice->seq)
		return false;
	if (start_stack != task->mm->start_stack || end_code != task->mm->end_code)
		return false;
	walk->rows_first = first;
	walk->rows_cnt = cnt;
	return true;
}

/* Finds the rows of task's process. A child that was forked a moment ago still has its parent's. */
static __always_inline void walk__use_mappings(struct walk *walk, struct task_struct *task, u32 pid)
{
	u32 *index = bpf_map_lookup_elem(&process_slices, &pid), parent_pid;

	walk->rows_first = 0;
	walk->rows_cnt = 0;
	walk__no_row(walk);
	if (index && slice__use(walk, task, *index))
		return;
	if (index) {
		counter__inc(COUNTER_mapping_stale);
		return;
	}
	parent_pid = task__pid(task->group_leader->real_parent);
	index = bpf_map_lookup_elem(&process_slices, &parent_pid);
	if (!index || !slice__use(walk, task, *index))
		counter__inc(COUNTER_mapping_unknown);
}

/* The row of the daemon's slice that addr lies in. */
static __always_inline bool slice__find(struct walk *walk, u64 addr)
{
	u32 low = walk->rows_first, high = low + walk->rows_cnt, i;
	struct mapping_row *row;

	for (i = 0; i < MAPPING_SEARCH_STEPS && low < high; i++) {
		u32 middle = low + (high - low) / 2;

		row = bpf_map_lookup_elem(&mapping_rows, &middle);
		if (!row)
			return false;
		if (row->start <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	low--;
	row = bpf_map_lookup_elem(&mapping_rows, &low);
	if (!row || low < walk->rows_first || addr < row->start || addr >= row->end)
		return false;
	walk->row = *row;
	return true;
}

/* Makes walk->row the mapping of addr. False: none, and walk->row is empty. */
static __always_inline bool mapping__find(struct walk *walk, u64 addr)
{
	if (addr - walk->row.start < walk->row.end - walk->row.start)
		return true;
	walk__no_row(walk);
	if (!walk->rows_cnt)
		return false;
	return slice__find(walk, addr);
}

#endif
