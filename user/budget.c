// SPDX-License-Identifier: GPL-2.0
/* Watches what bpfprof costs and leaves out what costs too much. */
#include "budget.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "budget_gauge.h"
#include "capture_shed.h"
#include "log.h"
#include "own.h"
#include "process/clock.h"

#define NS_PER_S   1000000000ull
#define ROUND_NS   (2 * NS_PER_S)
#define SLACK_NS   (NS_PER_S / 2) /* a timer that came a little early is not a round too late */
#define PPM_MAX    1000000u       /* --max-overhead 100: no limit */
#define SHARE_MIN  0.1            /* of the cost: samples that are less are not worth thinning */
#define MIB(bytes) ((double)(bytes) / (1 << 20))

/* At the start of a round. */
struct budget_round {
	uint64_t time_ns; /* CLOCK_MONOTONIC; 0: none yet */
	uint64_t own_ns, drain_ns, samples_ns;
};

struct budget {
	const struct options *options;
	struct capture *capture;
	struct symbol_cache *names;
	struct budget_round round;
	struct budget_gauge cpu, memory;
};

struct budget *budget__new(
	const struct options *options, struct capture *capture, struct symbol_cache *names)
{
	struct budget *budget = calloc(1, sizeof(*budget));

	if (!budget)
		return NULL;
	budget->options = options;
	budget->capture = capture;
	budget->names = names;
	budget->cpu.level_max = CAPTURE_THIN_MAX;
	budget->memory.level_max = 1;
	return budget;
}

void budget__free(struct budget *budget)
{
	free(budget);
}

static void budget__set_thin(struct budget *budget, enum budget_verdict verdict, double share)
{
	double percent = 100 * share, max = (double)budget->options->max_overhead_ppm / 1e4;
	uint32_t thin = budget->cpu.level;
	double hz = (double)budget->options->frequency_hz / (1u << thin);
	int err = capture__thin(budget->capture, thin);

	if (err) {
		log__warn(
			"budget: bpfprof costs %.1f %% of one CPU (--max-overhead %.3g), and its clock cannot be "
			"changed: %s; all else goes on",
			percent, max, strerror(-err));
		budget->cpu.level = capture__thinned(budget->capture);
	} else if (verdict == BUDGET_SHED) {
		log__warn(
			"budget: bpfprof costs %.2f %% of one CPU, more than --max-overhead %.3g: CPU is sampled at "
			"%.4g Hz from now on, each sample counted %u times; a higher --max-overhead (100: no "
			"limit) samples more often",
			percent, max, hz, 1u << thin);
	} else {
		log__info(
			"budget: bpfprof costs %.2f %% of one CPU: CPU is sampled at %.4g Hz again",
			percent, hz);
	}
}

static void budget__judge_cpu(struct budget *budget, const struct budget_round *now)
{
	const struct budget_round *then = &budget->round;
	double elapsed_ns = (double)(now->time_ns - then->time_ns);
	double samples = (double)(now->samples_ns - then->samples_ns + now->drain_ns -
				  then->drain_ns) /
			 elapsed_ns;
	double share = (double)(now->samples_ns - then->samples_ns + now->own_ns - then->own_ns) /
		       elapsed_ns;
	double max = (double)budget->options->max_overhead_ppm / 1e6;
	bool helps = capture__profile(budget->capture, "cpu") && samples >= SHARE_MIN * share;
	enum budget_verdict verdict;

	verdict = budget_gauge__judge(&budget->cpu, share, share + samples, helps, max);
	if (verdict == BUDGET_SHED || verdict == BUDGET_RESTORE)
		budget__set_thin(budget, verdict, share);
	else if (verdict == BUDGET_HELPLESS)
		log__warn(
			"budget: bpfprof costs %.2f %% of one CPU, more than --max-overhead %.3g, %.2f %% of it for "
			"CPU samples: nothing is left to leave out; a longer --interval or fewer profiles "
			"(-P) cost less, a higher --max-overhead (100: no limit) is silent",
			100 * share, 100 * max, 100 * samples);
}

static void budget__judge_memory(struct budget *budget)
{
	uint64_t rss_bytes = own__rss_bytes(), map_bytes = capture__map_bytes(budget->capture);
	double bytes = (double)(rss_bytes + map_bytes),
	       max = (double)budget->options->max_memory_bytes;
	enum budget_verdict verdict = budget_gauge__judge(&budget->memory, bytes, bytes, true, max);

	switch (verdict) {
	case BUDGET_SHED:
		log__warn(
			"budget: bpfprof holds %.1f MiB of memory, %.1f of them in BPF maps, more than --max-memory "
			"%.4gM: names and unwind tables are thrown away, and new stacks are [lost] until it is "
			"less; a higher --max-memory (0: no limit) keeps them",
			MIB(bytes), MIB(map_bytes), MIB(max));
		if (budget->names)
			symbol_cache__clear(budget->names);
		capture__save_memory(budget->capture, true);
		malloc_trim(0);
		break;
	case BUDGET_RESTORE:
		capture__save_memory(budget->capture, false);
		log__info("budget: bpfprof holds %.1f MiB of memory: new stacks are kept again",
			MIB(bytes));
		break;
	case BUDGET_HELPLESS:
		log__warn(
			"budget: bpfprof still holds %.1f MiB of memory, %.1f of them in BPF maps, more than "
			"--max-memory %.4gM: nothing is left to throw away; fewer profiles (-P) hold less",
			MIB(bytes), MIB(map_bytes), MIB(max));
		break;
	case BUDGET_GO_ON:
		break;
	}
}

void budget__look(struct budget *budget, uint64_t drain_ns)
{
	struct budget_round now = {.time_ns = clock__ns(CLOCK_MONOTONIC),
		.own_ns = own__cpu_ns(),
		.drain_ns = drain_ns};
	struct counter_values counters;

	if (budget->round.time_ns && now.time_ns - budget->round.time_ns < ROUND_NS - SLACK_NS)
		return;
	if (shared__read_counters(capture__shared(budget->capture), &counters))
		return;
	now.samples_ns = counters.cnt[COUNTER_samples_ns];
	if (budget->round.time_ns) {
		if (budget->options->max_overhead_ppm < PPM_MAX)
			budget__judge_cpu(budget, &now);
		if (budget->options->max_memory_bytes)
			budget__judge_memory(budget);
	}
	budget->round = now;
}
