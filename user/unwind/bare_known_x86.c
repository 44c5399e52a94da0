// SPDX-License-Identifier: GPL-2.0
/* Code that is known by what it is: where programs, threads and coroutines start, and what signal handlers return to. */
#include <string.h>

#include "unwind/bare_private.h"

#define ENTRY_INSNS_MAX 64

static void mark(struct bare_code *bare, uint32_t at, uint16_t state)
{
	bare->committed[at] = state + 1;
}

/* The program's first instructions: nobody called them. Behind its calls come more in a dynamic linker, which leaves by a
 * jump to the program. */
static void mark_entry(struct bare_code *bare)
{
	struct insn insn;
	uint32_t at, i;

	if (!gaps__find(&bare->gaps, bare->entry, &at))
		return;
	for (i = 0; i < ENTRY_INSNS_MAX; i++) {
		bool is_call;

		if (!gaps__decode(&bare->gaps, at, &insn) || insn.kind == INSN_RETURN ||
			insn.kind == INSN_STOP || (i && bare->is_function[at]))
			return;
		mark(bare, at, STATE_ROOT);
		bare->is_function[at] |= !i;
		is_call = insn.kind == INSN_CALL;
		if (is_call && insn.has_target)
			bare_code__on_call(
				bare, gaps__address(&bare->gaps, at) + (uint64_t)insn.target);
		if (insn.kind == INSN_JUMP || !gaps__is_same(&bare->gaps, at, at + insn.bytes))
			return;
		at += insn.bytes;
		if (is_call && gaps__decode(&bare->gaps, at, &insn) && insn.kind == INSN_NOP)
			return;
	}
}

/* What signal handlers return to, by the bytes that gdb and libgcc know it by too. The address is no return address of a
 * call: callers are looked up a byte before it. */
static void mark_signal_returns(struct bare_code *bare)
{
	static const uint8_t code[] = {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05};
	const uint8_t *bytes = bare->gaps.bytes, *found = bytes;
	uint32_t at, cnt = bare->gaps.byte_cnt;

	while ((found = memmem(found, cnt - (size_t)(found - bytes), code, sizeof(code)))) {
		at = (uint32_t)(found - bytes);
		if (gaps__is_same(&bare->gaps, at, at + 8)) {
			mark(bare, at, STATE_SIGNAL);
			mark(bare, at + 7, STATE_SIGNAL);
			bare->is_function[at] = 1;
			if (at && gaps__is_same(&bare->gaps, at - 1, at) &&
				!bare->committed[at - 1])
				mark(bare, at - 1, STATE_SIGNAL);
		}
		found++;
	}
}

static bool is_padding(const struct bare_code *bare, const struct gap *gap)
{
	uint32_t at = gap->first, end = at + (uint32_t)(gap->end - gap->start);
	struct insn insn;

	for (; at < end; at += insn.bytes)
		if (!gaps__decode(&bare->gaps, at, &insn) || insn.kind != INSN_NOP)
			return false;
	return true;
}

bool bare_code__is_context(const struct bare_code *bare, uint64_t address)
{
	uint32_t i;

	for (i = 0; i < bare->context_cnt; i++)
		if (bare->contexts[i] == address)
			return true;
	return false;
}

bool bare_code__starts_stack(uint64_t address, uint16_t id, void *arg)
{
	const struct bare_code *bare = arg;
	const struct unwind_rule *rule = unwind_rules__get(bare->rules, id);

	return (rule && rule->cfa == UNWIND_CFA_ROOT) || bare_code__is_context(bare, address);
}

/* What a coroutine's first function returns to was never called: callers are looked up a byte before it (glibc's
 * __start_context). Behind padding no call can end. */
static void mark_roots(struct bare_code *bare)
{
	uint32_t i;

	for (i = 0; i < bare->gaps.cnt; i++) {
		const struct gap *gap = &bare->gaps.items[i];

		if (gap->starts_stack && is_padding(bare, gap))
			mark(bare, gap->first + (uint32_t)(gap->end - gap->start) - 1, STATE_ROOT);
	}
}

void bare_code__mark_known(struct bare_code *bare)
{
	mark_roots(bare);
	mark_entry(bare);
	mark_signal_returns(bare);
}
