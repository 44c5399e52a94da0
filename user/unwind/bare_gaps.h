/* SPDX-License-Identifier: GPL-2.0 */
/* The parts of a file's code that no unwind row covers, their bytes, and where functions begin in them. */
#ifndef UNWIND_BARE_GAPS_H
#define UNWIND_BARE_GAPS_H

#include <stdbool.h>
#include <stdint.h>

#include "unwind/elf_frames.h"
#include "unwind/elf_source.h"
#include "unwind/insn_x86.h"
#include "unwind/table.h"

/* Addresses start up to end. Bytes of all gaps lie one behind the other; `at` is an index into them. */
struct gap {
	uint64_t start;
	uint64_t end;
	uint32_t first;
	bool starts_stack; /* what follows */
};

struct gaps {
	struct gap *items; /* ascending */
	uint32_t cnt;
	uint8_t *bytes;
	uint32_t byte_cnt;
};

struct gap_list {
	uint32_t *items;
	uint32_t cnt;
	uint32_t room;
};

/* Gaps that are large enough for code, and those behind which `starts_stack` says that a stack starts. Of a file with more than
 * max_bytes in them the latter alone. 0, -ENOMEM, -errno of a read. */
int gaps__read(struct gaps *gaps, const struct elf_source *source, const struct elf_frames *frames,
	const struct unwind_table *table,
	bool (*starts_stack)(uint64_t address, uint16_t rule, void *arg), void *arg,
	uint32_t max_bytes);
void gaps__close(struct gaps *gaps);

bool gaps__find(const struct gaps *gaps, uint64_t address, uint32_t *ret_at);
/* The gap that a byte lies in. */
const struct gap *gaps__of(const struct gaps *gaps, uint32_t at);
uint64_t gaps__address(const struct gaps *gaps, uint32_t at);
/* Whether the byte `next` lies in the gap of `at`, which is not behind it. */
bool gaps__is_same(const struct gaps *gaps, uint32_t at, uint32_t next);
bool gaps__decode(const struct gaps *gaps, uint32_t at, struct insn *ret);

/* Out of memory, or with a list that is full: it stays as it was. */
void gap_list__add(struct gap_list *list, uint32_t at);
void gap_list__close(struct gap_list *list);

/* Functions by the file's symbols: those that other files may call, and the others. */
void gaps__find_symbols(const struct gaps *gaps, const struct elf_source *source,
	struct gap_list *global, struct gap_list *local);
/* What the rest of the file's code calls, by its bytes: some are no calls. */
void gaps__find_calls(const struct gaps *gaps, const struct elf_source *source,
	const struct elf_frames *frames, struct gap_list *list);

/* Where glibc's __start_context is, up to max addresses, in ascending order; returns how many. */
uint32_t code__find_contexts(const struct elf_source *source, const struct elf_frames *frames,
	uint64_t *addresses, uint32_t max);

#endif
