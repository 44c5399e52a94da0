/* SPDX-License-Identifier: GPL-2.0 */
/* What bare_code_x86.c, bare_function_x86.c and bare_known_x86.c share. */
#ifndef UNWIND_BARE_PRIVATE_H
#define UNWIND_BARE_PRIVATE_H

#include "unwind/bare_code.h"
#include "unwind/bare_gaps.h"
#include "unwind/frame_state_x86.h"

#define STATES_MAX       16384 /* different ones in a file */
#define STATE_BUCKETS    4096
#define PENDING_MAX      512  /* branches of a function that are not followed yet */
#define VISITS_MAX       8192 /* instructions of a function */
#define CALLED_BYTES_MIN 2048 /* of bare code, before all other code is searched for calls of it */
#define INSNS_A_BYTE     4    /* of code, followed at the most */
#define PASSES_MAX       64   /* over a function, to find what returns */
#define CONTEXTS_MAX     4
#define NO_STATE         0
#define STATE_ROOT       1
#define STATE_SIGNAL     2

/* How a function was found. */
enum {
	FOUND_BY_SYMBOL,
	FOUND_BY_CALL,
	FOUND_BY_ADDRESS,
	FOUND_AGAIN, /* it does not return; what it calls has been followed meanwhile */
	FOUND_CNT
};

/* An instruction of the function that is being followed. */
struct visit {
	uint32_t at;
	uint32_t next;    /* + 1: the one that follows; 0: none does */
	uint32_t target;  /* + 1: the one that it jumps to; 0: to none of this function */
	bool is_doubtful; /* a call of something that is not known to return */
	bool returns;     /* or leaves as a return would */
};

/* By byte of the gaps, of the instruction there. */
#define MARK_RETURNS 1 /* a return is reached from it */
#define MARK_SURE    2 /* it is reached by no call that may not return */

struct state_entry {
	struct frame_state state;
	uint16_t next; /* in its bucket; 0: the last */
};

/* The function that is being followed. */
struct run {
	struct visit visits[VISITS_MAX];
	uint32_t visit_cnt;
	uint32_t pending[PENDING_MAX]; /* indexes of visits */
	uint32_t pending_cnt;
	bool returns; /* somewhere, with the stack as it was at the start */
	bool contradicts;
};

struct bare_code {
	struct gaps gaps;
	const struct unwind_table *table;
	struct unwind_rules *rules;
	struct bare_code_stats stats;
	uint64_t entry; /* of the program */
	uint64_t contexts[CONTEXTS_MAX];
	uint32_t context_cnt;
	uint16_t *committed;  /* by byte of the gaps: state + 1 of the instruction there; 0: none */
	uint16_t *current;    /* of the run */
	uint8_t *marks;       /* of the run */
	uint8_t *is_function; /* somebody calls it, or a symbol says so */
	uint8_t *has_return;  /* the function that starts there */
	uint8_t *is_tried;    /* it has been followed as a function's start */
	uint64_t insn_max;    /* that will still be followed: functions may share their code */
	struct state_entry *states;
	uint16_t state_cnt;
	uint16_t buckets[STATE_BUCKETS];
	struct gap_list
		found[FOUND_CNT]; /* starts of functions; those before done[] have been followed */
	uint32_t done[FOUND_CNT];
	struct run run;
	bool is_begun;
};

/* The number of a state; NO_STATE: there are too many. */
uint16_t bare_code__state(struct bare_code *bare, const struct frame_state *state);
/* Follows the function that starts at a byte of the gaps, and keeps what it says if it is believed. Returns the number of
 * instructions that it took. */
uint32_t bare_code__follow(struct bare_code *bare, uint32_t start, unsigned int found);
/* A call of address: a function starts there, if it is in a gap. */
void bare_code__on_call(struct bare_code *bare, uint64_t address);
/* Whether a stack starts at address: nobody called what is there. */
bool bare_code__starts_stack(uint64_t address, uint16_t rule, void *arg);
bool bare_code__is_context(const struct bare_code *bare, uint64_t address);
/* Marks the code that is known by what it is. */
void bare_code__mark_known(struct bare_code *bare);

#endif
