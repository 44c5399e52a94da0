// SPDX-License-Identifier: GPL-2.0
/* The end of a run: the last samples, the files, the tables. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "heap_trace.h"
#include "log.h"
#include "notify.h"
#include "output/delays_text.h"
#include "report.h"
#include "run.h"
#include "run_private.h"

void run__await_command(struct run *run)
{
	while (run->has_command && !run->command_ended && run->status == 0) {
		run__on_child(run);
		if (!run->command_ended)
			usleep(10000);
	}
}

/* Beside the table of the sched profile, and in --stats. */
static void run__print_delays(const struct run *run)
{
	const struct options *options = run->options;
	uint64_t from_ns;
	const struct sched_delay_table *delays = trace__delays(run->trace, &from_ns);

	if (!delays)
		return;
	if (options->top_cnt && options->profiles & 1u << (FEATURE_SCHED - FEATURE_CPU))
		delays_text__print(delays, from_ns, stdout);
	if (options->stats)
		delays_text__print(delays, from_ns, stderr);
}

static void run__print_stats(const struct run *run)
{
	struct loop_turns turns;

	report__stats(run->capture, &run->symbols_options);
	loop__turns(run->loop, &turns);
	fprintf(stderr,
		"  loop    turns %llu, the longest %.1f ms, with the most CPU time %.1f ms\n",
		(unsigned long long)turns.cnt, (double)turns.max_ns / 1e6,
		(double)turns.max_cpu_ns / 1e6);
}

void run__finish(struct run *run)
{
	int err;

	notify__send("STOPPING=1");
	privileges__raise(PRIVILEGES_TO_WRITE);
	service__close(run->service);
	run->service = NULL;
	err = capture__stop(run->capture);
	run__print_notes(run);
	trace__stop(run->trace);
	retain__finish(run->retain);
	if (err)
		log__error("cannot drain the last samples: %s; they are missing in the profile",
			strerror(-err));
	if ((run->options->output_dir || run->options->top_cnt) &&
		report__write(run->options, run->capture, &run->symbols_options) && !run->status)
		run->status = EXIT_RUN_TIME;
	if (run->has_command && capture__heap(run->capture) &&
		run->options->log_level > LOG_LEVEL_ERROR)
		heap_trace__print_summary(run->capture, stderr);
	if (run->options->stats)
		run__print_stats(run);
	run__print_delays(run);
}

void run__dump_threads(struct run *run)
{
	int err = capture__stop(run->capture);

	run->is_started = !err;
	if (err) {
		log__error("cannot read the threads: %s", strerror(-err));
		run->status = EXIT_RUN_TIME;
		return;
	}
	if (report__threads(run->capture, &run->symbols_options) ||
		(run->options->output_dir &&
			report__write(run->options, run->capture, &run->symbols_options)))
		run->status = EXIT_RUN_TIME;
	if (run->options->stats)
		run__print_stats(run);
}
