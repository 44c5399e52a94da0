/* SPDX-License-Identifier: GPL-2.0 */
/* Code that a file's call frame information leaves out: C libraries built without any, hand-written assembly, start code.
 * Its rows are what its instructions say: they are followed from each function's start, and a function is believed as a whole
 * or not at all. */
#ifndef UNWIND_BARE_CODE_H
#define UNWIND_BARE_CODE_H

#include <stdbool.h>
#include <stdint.h>

#include "unwind/elf_frames.h"
#include "unwind/elf_source.h"
#include "unwind/rules.h"
#include "unwind/table.h"

struct bare_code_stats {
	uint32_t bytes;        /* that are covered by no call frame information */
	uint32_t function_cnt; /* believed */
	uint32_t refused_cnt;  /* functions that contradict themselves or others */
	uint32_t row_cnt;      /* added */
};

struct bare_code;

/* source, frames, rules and table, which is read only, must live until it is freed. max_bytes: of such code in a file; with
 * more of it only the starts of threads are looked at. NULL: no memory. */
struct bare_code *bare_code__new(const struct elf_source *source, const struct elf_frames *frames,
	const struct unwind_table *table, struct unwind_rules *rules, uint32_t max_bytes);
void bare_code__free(struct bare_code *bare);
/* Works on about insn_cnt instructions. 1: call again; 0: done; -errno. */
int bare_code__step(struct bare_code *bare, uint32_t insn_cnt);
/* Once it is done: the table with both kinds of rows, which the caller owns; NULL: there is nothing to add. 0 or -errno. */
int bare_code__finish(struct bare_code *bare, struct unwind_table **ret_table);
const struct bare_code_stats *bare_code__stats(const struct bare_code *bare);

#endif
