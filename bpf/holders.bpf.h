/* SPDX-License-Identifier: GPL-2.0 */
/* Who had a CPU lately: whom a thread that waited for it waited for. */
#ifndef BPF_HOLDERS_BPF_H
#define BPF_HOLDERS_BPF_H

#include "common.bpf.h"

/* Waits of at least this are told with who held the CPU the longest meanwhile; shorter turns than a part of it cannot
 * have been the longest by much, and are not remembered. */
#define DELAY_TOLD_NS (1u << 20)
#define TURN_MIN_NS   (DELAY_TOLD_NS / 8)
#define TURNS         16 /* a power of two; a wait that was longer than all of them is told by these */

struct turn {
	u64 end_ns;
	u64 ns;
	u32 pid; /* of the thread's process; 0 where nobody asks for it */
	u32 tid;
	char comm[TASK_COMM_BYTES]; /* of the thread */
};

struct holders {
	u64 since_ns; /* the one that runs now */
	u32 next;
	u32 pad;
	struct turn turns[TURNS];
};

/* task leaves the CPU. Returns its turn, to be filled with what else the caller wants to know of it; NULL: too short. */
static __always_inline struct turn *holders__note(
	struct holders *holders, struct task_struct *task, u64 now)
{
	u64 since_ns = holders->since_ns, ns = now - since_ns;
	struct turn *turn = &holders->turns[holders->next % TURNS];

	holders->since_ns = now;
	if (!since_ns || ns < TURN_MIN_NS)
		return NULL;
	holders->next++;
	turn->end_ns = now;
	turn->ns = ns;
	task__copy_comm(turn->comm, task);
	return turn;
}

/* Which of the turns that ended after since_ns was the longest; what of it lay before since_ns does not count. TURNS: none. */
__noinline u32 holders__longest(struct holders *holders, u64 since_ns)
{
	u32 i, longest = TURNS;
	u64 longest_ns = 0;

	if (!holders)
		return TURNS;
	for (i = 0; i < TURNS; i++) {
		struct turn *turn = &holders->turns[i];
		u64 ns = turn->ns;

		if (turn->end_ns <= since_ns)
			continue;
		if (ns > turn->end_ns - since_ns)
			ns = turn->end_ns - since_ns;
		if (ns > longest_ns) {
			longest_ns = ns;
			longest = i;
		}
	}
	return longest;
}

static __always_inline void holders__name(struct holders *holders, u64 since_ns, char *ret_comm)
{
	u32 longest = holders__longest(holders, since_ns);

	if (longest < TURNS)
		__builtin_memcpy(ret_comm, holders->turns[longest].comm, TASK_COMM_BYTES);
}

#endif
