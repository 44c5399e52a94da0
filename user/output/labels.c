// SPDX-License-Identifier: GPL-2.0
/* Words for the tag of a sample's key and for its other side. */
#include "output/labels.h"
#include "output/thread_state.h"

#include <stdio.h>
#include <string.h>

#include "faults.h"
#include "offcpu_stats.h"

#define STATE_WORD(name, word) word,
static const char *const state_words[OFFCPU_STATE_CNT] = {OFFCPU_STATES(STATE_WORD)};

/* Functions that stand between a wait and the system call: a name that begins so says how, not for what. */
static const char *const wrappers[] = {
	"syscall",
	"syscall",
	"__syscall",
	"__lll_",
	"__futex",
	"futex",
	"__timedwait",
	"__wait",
	"runtime.futex",
	"std::sys::futex",
	"std::sys::pal::unix::futex",
	"std::sys::unix::futex",
	"std::sys::unix::locks::futex",
	"__gthread_",
	"std::__atomic_futex",
	"std::__detail::__platform_wait",
};

static bool is_wrapper(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(wrappers) / sizeof(wrappers[0]); i++)
		if (!strncmp(name, wrappers[i], strlen(wrappers[i])))
			return true;
	return false;
}

/* The first function of a waiter's user stack that is not about how to wait, or else its leaf. */
static bool name_waiter(
	const struct output_source *source, const struct sample_key *key, char *text)
{
	const struct stack *stack = stack_table__find(source->profile->stacks, key->peer.stack);
	const struct symbol_location *location;
	char unnamed[LABEL_BYTES_MAX];
	size_t i, end;
	const char *name;

	text[0] = '\0';
	if (!stack)
		return false;
	end = (size_t)stack->kernel_cnt + stack->user_cnt;
	for (i = stack->kernel_cnt; i < end; i++) {
		location = symbols__find(
			source->symbols, stack->frames[i], key->pid, key->start_ns);
		if (!location)
			continue;
		/* The function that others call, not what was inlined into it. */
		name = location->line_cnt ? location->lines[location->line_cnt - 1].function
					  : symbol_location__name(source->symbols, location,
						    unnamed, sizeof(unnamed));
		if (!text[0] || !is_wrapper(name))
			snprintf(text, LABEL_BYTES_MAX, "%s", name);
		if (!is_wrapper(name))
			return true;
	}
	return text[0];
}

size_t labels__of(const struct output_source *source, const struct sample *sample,
	struct label ret[LABELS_MAX])
{
	const struct profile_kind *kind = source->profile->kind;
	const struct sample_key *key = &sample->key;
	uint32_t state = key->tag & ~OFFCPU_TAG_BEGAN_UNSEEN;
	size_t cnt = 0;
	const char *word;

	if (kind == &profile_kind_threads || kind == &profile_kind_wall) {
		word = thread_state__label(key->tag);
		ret[cnt].key = "state";
		if (word)
			snprintf(ret[cnt++].text, LABEL_BYTES_MAX, "%s", word);
	}
	if (kind == &profile_kind_block && state && state < OFFCPU_STATE_CNT) {
		ret[cnt].key = "state";
		snprintf(ret[cnt++].text, LABEL_BYTES_MAX, "%s", state_words[state]);
	}
	if (kind == &profile_kind_block && key->tag & OFFCPU_TAG_BEGAN_UNSEEN) {
		ret[cnt].key = "began";
		snprintf(ret[cnt++].text, LABEL_BYTES_MAX, "before the attach");
	}
	if (kind == &profile_kind_mutex && key->peer.stack) {
		ret[cnt].key = "waiter";
		cnt += name_waiter(source, key, ret[cnt].text);
	}
	if (kind == &profile_kind_sched && key->peer.comm[0]) {
		ret[cnt].key = "delayed_by";
		snprintf(ret[cnt++].text, LABEL_BYTES_MAX, "%.*s", TASK_COMM_BYTES, key->peer.comm);
	}
	if (kind == &profile_kind_faults) {
		ret[cnt].key = "fault";
		snprintf(ret[cnt++].text, LABEL_BYTES_MAX, "%s",
			key->tag == FAULT_MAJOR ? "major" : "minor");
	}
	return cnt;
}
