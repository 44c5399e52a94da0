// SPDX-License-Identifier: GPL-2.0
/* The frames of a sample as every output shows them. */
#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "output/frames.h"
#include "thread.h"

enum { WORD_LOST, WORD_TRUNCATED, WORD_UNRESOLVED, WORD_UNSEEN, WORD_CNT };

#define WORD(text)                                                                                 \
	{                                                                                          \
		.mapping = UINT32_MAX, .line_cnt = 1, .lines = &(const struct symbol_line)         \
		{                                                                                  \
			.function = text, .system_name = text                                      \
		}                                                                                  \
	}

static const struct symbol_location words[WORD_CNT] = {
	[WORD_LOST] = WORD("[lost]"),
	[WORD_TRUNCATED] = WORD("[truncated]"),
	[WORD_UNRESOLVED] = WORD("[unresolved]"),
	[WORD_UNSEEN] = WORD("[created before bpfprof attached]"),
};

size_t frames__location_cnt(const struct symbols *symbols)
{
	return symbols->location_cnt + WORD_CNT;
}

const struct symbol_location *frames__location(const struct symbols *symbols, size_t index)
{
	return index < symbols->location_cnt ? &symbols->locations[index]
					     : &words[index - symbols->location_cnt];
}

static uint32_t find_location(
	const struct symbols *symbols, uint64_t frame, const struct sample_key *key)
{
	const struct symbol_location *location = symbols__find(
		symbols, frame, key->pid, key->start_ns);

	if (!location)
		return symbols->location_cnt + WORD_UNRESOLVED;
	return location - symbols->locations;
}

static bool is_off_cpu(const struct profile_kind *kind)
{
	return kind == &profile_kind_block || kind == &profile_kind_mutex ||
	       kind == &profile_kind_sched;
}

/* What the kernel calls programs through, at the leaf of a stack that one of them took. How many frames of it there are
 * depends on who else traces the same event. */
static bool is_tracing(const struct symbol_location *location)
{
	const char *name = location && location->line_cnt ? location->lines[0].function : "";

	return !strncmp(name, "__traceiter_", 12) || !strncmp(name, "__bpf_trace_", 12) ||
	       !strncmp(name, "bpf_trace_run", 13) || !strncmp(name, "bpf_prog_", 9);
}

/* The scheduler's own functions, at the leaf of every wait: what called them tells what was waited for. */
static bool is_scheduler(const struct symbol_location *location)
{
	static const char *const names[] = {"__schedule", "schedule", "preempt_schedule",
		"preempt_schedule_common", "preempt_schedule_irq", "__cond_resched",
		"schedule_idle", "schedule_timeout", "io_schedule"};
	const char *name = location && location->line_cnt ? location->lines[0].function : "";
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

/* The first frame of a stack that an output shows: as Go's profiles, it begins at the function that waited or that
 * unlocked, not inside of what carries that out. */
static size_t first_frame(const struct output_source *source, const struct stack *stack)
{
	const struct profile_kind *kind = source->profile->kind;
	const struct symbol_location *location;
	size_t i;

	if (!is_off_cpu(kind))
		return 0;
	if (kind == &profile_kind_mutex && stack->user_cnt)
		return stack->kernel_cnt;
	for (i = 0; i + 1 < (size_t)stack->kernel_cnt + stack->user_cnt && i < stack->kernel_cnt;
		i++) {
		location = symbols__find(source->symbols, stack->frames[i], 0, 0);
		if (!is_tracing(location) && !is_scheduler(location))
			break;
	}
	return i;
}

static uint32_t word_without_stack(const struct sample_key *key)
{
	return THREAD_STATE_WORD__STATE(key->tag) == THREAD_UNSEEN ? WORD_UNSEEN : WORD_LOST;
}

size_t frames__of(const struct output_source *source, const struct sample *sample,
	uint32_t ret[SAMPLE_FRAMES_MAX])
{
	const struct symbols *symbols = source->symbols;
	const struct stack *stack = NULL;
	size_t cnt = 0;
	size_t i;

	if (sample->key.stack)
		stack = stack_table__find(source->profile->stacks, sample->key.stack);
	if (stack) {
		for (i = first_frame(source, stack);
			i < (size_t)stack->kernel_cnt + stack->user_cnt; i++)
			ret[cnt++] = find_location(symbols, stack->frames[i], &sample->key);
		if (!stack__is_complete(stack))
			ret[cnt++] = symbols->location_cnt + WORD_TRUNCATED;
	}
	if (!cnt)
		ret[cnt++] = symbols->location_cnt + word_without_stack(&sample->key);
	return cnt;
}

int64_t frames__value(const struct output_source *source, const struct sample *sample)
{
	return (int64_t)sample->values[source->profile->kind->default_value];
}

void frames__weigh(const struct symbols *symbols, const uint32_t *frames, size_t frame_cnt,
	int64_t value, uint64_t *weights)
{
	uint32_t mapping;
	size_t i;

	for (i = 0; i < frame_cnt; i++) {
		mapping = frames__location(symbols, frames[i])->mapping;
		if (mapping < symbols->mapping_cnt)
			weights[mapping] += value ? llabs(value) : 1;
	}
}

/* pprof's libRx: [.]so$|[.]so[._][0-9]+ */
static bool is_library(const char *path)
{
	const char *so;

	for (so = strstr(path, ".so"); so; so = strstr(so + 1, ".so")) {
		if (!so[3] || ((so[3] == '.' || so[3] == '_') && isdigit((unsigned char)so[4])))
			return true;
	}
	return false;
}

static bool is_program(const char *path)
{
	return path[0] && path[0] != '[' && strncmp(path, "//", 2) != 0 && !is_library(path);
}

uint32_t frames__main_mapping(const struct symbols *symbols, const uint64_t *weights)
{
	uint32_t best = UINT32_MAX;
	bool best_is_program = false;
	bool program;
	uint32_t i;

	for (i = 0; i < symbols->mapping_cnt; i++) {
		program = is_program(symbols->mappings[i].path);
		if (!weights[i] || program < best_is_program)
			continue;
		if (best == UINT32_MAX || program > best_is_program || weights[i] > weights[best]) {
			best = i;
			best_is_program = program;
		}
	}
	return best;
}
