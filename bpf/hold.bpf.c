// SPDX-License-Identifier: GPL-2.0
/* Stops CMD where it has mapped what its next stacks need, until the daemon lets it go on. */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "common.bpf.h"
#include "hold_points.h"

#define SIGSTOP 19

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct hold_state);
} hold_states SEC(".maps");

#define LINKER_CALL 2 /* the first one tells that it begins */

static __always_inline int hold__stop_at(struct task_struct *task, u32 point)
{
	u32 zero = 0;
	struct hold_state *state = bpf_map_lookup_elem(&hold_states, &zero);

	if (!state || state->pid != task__pid(task) || state->next > point)
		return 0;
	if (point == HOLD_LINKER && ++state->linker_calls != LINKER_CALL)
		return 0;
	state->next = point + 1;
	state->reached = point;
	/* It acts when the task returns to user space. */
	if (bpf_send_signal(SIGSTOP))
		state->reached = HOLD_OVER;
	return 0;
}

SEC("?tp_btf/sched_process_exec")
int BPF_PROG(hold_exec, struct task_struct *task)
{
	return hold__stop_at(task, HOLD_EXEC);
}

SEC("?uprobe")
int hold_linker(void *ctx)
{
	return hold__stop_at(bpf_get_current_task_btf(), HOLD_LINKER);
}

SEC("?uprobe")
int hold_entry(void *ctx)
{
	return hold__stop_at(bpf_get_current_task_btf(), HOLD_ENTRY);
}

char LICENSE[] SEC("license") = "GPL";
