// SPDX-License-Identifier: GPL-2.0
/* The heap lines: what each process's heap did in an interval. */
#include "heap_trace.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <uthash.h>

#include "collect/heap.h"
#include "output/heap_line.h"
#include "process/clock.h"
#include "process/memory_limit.h"

/* A process as it was at the end of the last interval. */
struct heap_past {
	uint32_t pid;
	struct heap_figures figures;
	UT_hash_handle hh;
};

/* Whether a stack has been in the allocator: looked at once. */
struct stack_verdict {
	uint64_t hash;
	bool in_allocator;
	UT_hash_handle hh;
};

struct heap_trace {
	struct capture *capture;
	struct heap_past *past;
	struct stack_verdict *verdicts;
	uint64_t line_cnt;
	uint64_t time_ns; /* CLOCK_BOOTTIME, of the interval's start */
	void (*read_fn)(const struct heap_line *line, void *arg);
	void *read_arg;
};

struct heap_trace *heap_trace__new(struct capture *capture)
{
	struct heap_trace *trace = calloc(1, sizeof(*trace));

	if (trace)
		trace->capture = capture;
	return trace;
}

void heap_trace__free(struct heap_trace *trace)
{
	struct stack_verdict *verdict, *next_verdict;
	struct heap_past *past, *next;

	if (!trace)
		return;
	HASH_ITER (hh, trace->past, past, next) {
		HASH_DEL(trace->past, past);
		free(past);
	}
	HASH_ITER (hh, trace->verdicts, verdict, next_verdict) {
		HASH_DEL(trace->verdicts, verdict);
		free(verdict);
	}
	free(trace);
}

static struct heap_past *past__get(struct heap_trace *trace, uint32_t pid)
{
	struct heap_past *past;

	HASH_FIND(hh, trace->past, &pid, sizeof(pid), past);
	if (past)
		return past;
	past = calloc(1, sizeof(*past));
	if (!past)
		return NULL;
	past->pid = pid;
	HASH_ADD(hh, trace->past, pid, sizeof(past->pid), past);
	return past;
}

void heap_trace__set_reader(
	struct heap_trace *trace, void (*fn)(const struct heap_line *line, void *arg), void *arg)
{
	trace->read_fn = fn;
	trace->read_arg = arg;
}

void heap_trace__start(struct heap_trace *trace)
{
	struct collector *heap = capture__heap(trace->capture);
	struct heap_figures figures;
	size_t i;

	trace->time_ns = clock__ns(CLOCK_BOOTTIME);
	for (i = 0; heap__figures(heap, i, true, &figures); i++) {
		struct heap_past *past = past__get(trace, figures.pid);

		if (past)
			past->figures = figures;
	}
}

/* The share of a process's CPU samples with one of the allocator's functions on their stack. */
struct allocator_share {
	struct heap_trace *trace;
	const struct profile *profile;
	uint32_t pid;
	uint64_t all, inside;
};

static bool stack__is_in_allocator(struct heap_trace *trace, const struct stack *stack)
{
	struct collector *heap = capture__heap(trace->capture);
	struct stack_verdict *verdict;
	uint32_t i;

	HASH_FIND(hh, trace->verdicts, &stack->hash, sizeof(stack->hash), verdict);
	if (verdict)
		return verdict->in_allocator;
	verdict = calloc(1, sizeof(*verdict));
	if (!verdict)
		return false;
	verdict->hash = stack->hash;
	for (i = 0; i < stack->user_cnt && !verdict->in_allocator; i++)
		verdict->in_allocator = heap__has_frame(heap, stack->frames[stack->kernel_cnt + i]);
	HASH_ADD(hh, trace->verdicts, hash, sizeof(verdict->hash), verdict);
	return verdict->in_allocator;
}

static int share__add(const struct sample *sample, void *arg)
{
	struct allocator_share *share = arg;
	const struct stack *stack;

	if (sample->key.pid != share->pid)
		return 0;
	share->all += sample->values[0];
	stack = stack_table__find(share->profile->stacks, sample->key.stack);
	if (stack && stack__is_in_allocator(share->trace, stack))
		share->inside += sample->values[0];
	return 0;
}

static int trace__allocator_percent(struct heap_trace *trace, uint32_t pid)
{
	struct allocator_share share = {
		.trace = trace,
		.profile = capture__profile(trace->capture, "cpu"),
		.pid = pid,
	};

	/* A daemon that serves keeps CPU samples for readings alone. */
	if (!share.profile ||
		(capture__usage(trace->capture) && !profile__sample_cnt(share.profile)))
		return -1;
	profile__each(share.profile, share__add, &share);
	return share.all ? (int)((100 * share.inside + share.all / 2) / share.all) : 0;
}

static unsigned int process__cpu_cnt(pid_t pid)
{
	cpu_set_t *set = CPU_ALLOC(CPU_SETSIZE * 8);
	size_t bytes = CPU_ALLOC_SIZE(CPU_SETSIZE * 8);
	unsigned int cnt = 0;

	if (set && !sched_getaffinity(pid, bytes, set))
		cnt = (unsigned int)CPU_COUNT_S(bytes, set);
	CPU_FREE(set);
	return cnt;
}

static uint64_t heap__lost_cnt(struct capture *capture)
{
	struct counter_values counters;
	uint64_t cnt = 0;
	int i;

	if (shared__read_counters(capture__shared(capture), &counters))
		return 0;
	for (i = 0; i < COUNTER__CNT; i++)
		if (counter_is_loss[i] && !strncmp(counter_names[i], "heap_", 5))
			cnt += counters.cnt[i];
	return cnt;
}

static int trace__print_process(struct heap_trace *trace, const struct heap_figures *now,
	uint64_t time_ns, bool names_process, FILE *out)
{
	struct heap_past *past = past__get(trace, now->pid);
	const struct heap_figures *then;
	struct heap_line line = {
		.number = trace->line_cnt,
		.age_ns = time_ns > now->start_ns ? time_ns - now->start_ns : 0,
		.allocator_percent = trace__allocator_percent(trace, now->pid),
		.interval_ns = time_ns - trace->time_ns,
		.peak_bytes = now->peak_bytes,
		.end_bytes = now->in_use_bytes,
		.objects = now->in_use_objects,
		.rss_bytes = process_memory__rss((pid_t)now->pid),
		.limit_bytes = process_memory__limit((pid_t)now->pid),
		.cpu_cnt = process__cpu_cnt((pid_t)now->pid),
		.lost_cnt = heap__lost_cnt(trace->capture),
		.names_process = names_process,
		.pid = now->pid,
		.comm = now->comm,
	};

	if (!past)
		return -ENOMEM;
	if (past->figures.start_ns != now->start_ns) /* another owner of the pid, or a new one */
		past->figures = (struct heap_figures){.start_ns = now->start_ns};
	then = &past->figures;
	line.start_bytes = then->in_use_bytes;
	line.alloc_cnt = now->alloc_cnt - then->alloc_cnt;
	line.free_cnt = now->free_cnt - then->free_cnt;
	line.alloc_bytes = now->alloc_bytes - then->alloc_bytes;
	if (line.peak_bytes < line.start_bytes)
		line.peak_bytes = line.start_bytes;
	past->figures = *now;
	if (trace->read_fn)
		trace->read_fn(&line, trace->read_arg);
	return out ? heap_line__print(&line, out) : 0;
}

int heap_trace__print(struct heap_trace *trace, FILE *out)
{
	struct collector *heap = capture__heap(trace->capture);
	uint64_t time_ns = clock__ns(CLOCK_BOOTTIME);
	struct heap_figures figures;
	bool names_process;
	size_t i;
	int err = 0;

	names_process = heap__figures(heap, 1, false, &figures);
	trace->line_cnt++;
	for (i = 0; !err && heap__figures(heap, i, true, &figures); i++)
		err = trace__print_process(trace, &figures, time_ns, names_process, out);
	trace->time_ns = time_ns;
	return err;
}

int heap_trace__print_summary(struct capture *capture, FILE *out)
{
	struct heap_figures total;
	struct heap_summary summary;

	heap__total(capture__heap(capture), &total);
	summary = (struct heap_summary){
		.alloc_cnt = total.alloc_cnt,
		.alloc_bytes = total.alloc_bytes,
		.peak_bytes = total.peak_bytes,
		.in_use_bytes = total.in_use_bytes,
		.in_use_objects = total.in_use_objects,
	};
	return heap_summary__print(&summary, out);
}
