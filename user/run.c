// SPDX-License-Identifier: GPL-2.0
/* The life of a run: set up, loop, tear down. */
#include "run_private.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "collect/heap.h"
#include "collect/offcpu.h"
#include "failure.h"
#include "log.h"
#include "privileges.h"
#include "report.h"
#include "run.h"
#include "symbol/cache.h"
#include "symbol/debuginfod.h"

#define NICE     (-10) /* what is late here is mappings that stacks wait for; the daemon runs little */
#define GUARD_NS (1000 * MS_NS) /* between two looks at what it costs */

/* The processes that options name, or CMD. Logs. */
static int run__add_targets(struct run *run)
{
	const struct options *options = run->options;
	size_t i;
	int err;

	if (run->has_command) {
		err = capture__add_target(run->capture, run->command.pid);
		if (err)
			failure__log("cannot follow CMD", err);
		return err;
	}
	for (i = 0; i < options->pid_cnt; i++) {
		err = capture__add_target(run->capture, options->pids[i]);
		if (err == -ESRCH)
			log__error("pid %d: no such process; it may have ended meanwhile",
				options->pids[i]);
		else if (err)
			failure__log("cannot follow a process", err);
		if (err)
			return err;
	}
	if (options->mode != OPTIONS_PIDS)
		return 0;
	err = watch__new(run->loop, options->pids, options->pid_cnt, run__stop, run, &run->watch);
	if (err)
		failure__log("cannot watch the processes", err);
	return err;
}

/* Everything that can be wrong with what the user asked for, before anything is loaded. Logs. */
static int run__check(struct run *run)
{
	const struct options *options = run->options;
	pid_t leader;
	size_t i;

	for (i = 0; i < options->pid_cnt; i++) {
		int err = watch__check(options->pids[i], &leader);

		if (err == -EINVAL)
			log__error("pid %d: is a thread of process %d; use --pid %d",
				options->pids[i], leader, leader);
		else if (err)
			log__error("pid %d: no such process; see ps -e for those that run",
				options->pids[i]);
		if (err)
			return err;
	}
	return options->output_dir ? report__check_dir(options->output_dir, &run->output) : 0;
}

static int run__open(struct run *run, const struct shared_sizes *sizes)
{
	const struct options *options = run->options;
	struct capture_options capture_options = {
		.all_processes = options->mode == OPTIONS_HOST,
		.follow_children = options->mode == OPTIONS_COMMAND,
		.keep_profile = options->output_dir || options->top_cnt || options->dump_threads,
		.is_served = run->service != NULL,
		.frequency_hz = options->frequency_hz,
		.heap_rate_bytes = options->heap_rate_bytes,
		.sizes = *sizes,
	};
	const char *reason = "cannot start";
	size_t i;
	int err;

	for (i = 0; i < FEATURE_PROFILE_CNT; i++)
		if (options->profiles & 1u << i)
			capture_options.profiles[capture_options.profile_cnt++] =
				options_features[FEATURE_CPU + i].name;
	/* Without memory for these names are looked up all the same, only not kept. */
	if (options->symbol_cache_bytes)
		run->symbols_options.cache = symbol_cache__new(options->symbol_cache_bytes);
	if (options->debuginfod)
		run->symbols_options.debuginfod = debuginfod__new();
	if (options->stats)
		run->stats_fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	err = capture__open(&capture_options, &run->capture, &reason);
	if (err) {
		failure__log(reason, err);
		return err;
	}
	run->symbols_options.perf_maps = capture__perf_maps(run->capture);
	err = run__add_targets(run);
	if (err)
		return err;
	err = trace__open(run->loop, options, run->capture, &run->trace, &reason);
	if (!err)
		err = capture__start(run->capture, &reason);
	if (!err)
		err = capture__each_fd(run->capture, run__add_fd, run);
	if (err) {
		failure__log(reason, err);
		return err;
	}
	run->budget = budget__new(options, run->capture, run->symbols_options.cache);
	if (!run->budget) {
		failure__log("cannot watch what it costs", -ENOMEM);
		return -ENOMEM;
	}
	if (run->service)
		err = service__start(run->service, run->loop, run->capture, run->trace, run->retain,
			run__want_drain, run);
	return err;
}

/* What CMD will allocate with is probed before it runs, as far as it can be told: its program, and what is preloaded. The C
 * library is known already, from this program's own fork. */
static void run__expect_command(struct run *run)
{
	struct collector *heap = capture__heap(run->capture);
	const char *preload = getenv("LD_PRELOAD");
	char path[4096], *copy, *name, *rest;

	if (!heap)
		return;
	if (!command__find(run->options->command[0], path, sizeof(path)))
		heap__expect(heap, run->command.pid, path);
	copy = preload ? strdup(preload) : NULL;
	if (!copy)
		return;
	for (name = strtok_r(copy, ": ", &rest); name; name = strtok_r(NULL, ": ", &rest))
		if (*name == '/')
			heap__expect(heap, run->command.pid, name);
	free(copy);
}

/* CMD runs from here on. Logs. */
static int run__release(struct run *run)
{
	char escaped[256];
	int err;

	run__expect_command(run);
	run__print_notes(run);
	run->held = held__new(run->capture, run->command.pid);
	err = command__release(&run->command);

	if (err)
		log__error("cannot run \"%s\": %s; give a program that exists, after --",
			log__escape(escaped, sizeof(escaped), run->options->command[0]),
			strerror(-err));
	return err;
}

static void run__tell_start(const struct run *run)
{
	const struct profile *profile;
	struct unwind_store_stats unwind;
	size_t i;

	for (i = 0; (profile = capture__profile_at(run->capture, i)); i++)
		log__debug("%s: attached", profile->kind->name);
	capture__unwind_stats(run->capture, &unwind);
	log__debug("%u files are mapped executable, %u have their unwind tables",
		files__cnt(capture__files(run->capture)), unwind.ready_cnt);
}

/* What the kernel lacks, and what goes on without it. */
static void run__tell_gaps(void)
{
	const char *missing = offcpu__missing();

	if (missing)
		log__info("block and sched: this kernel lacks %s; --stats counts them as "
			  "offcpu_unsampled",
			missing);
}

static void run__tell_heap(const struct run *run)
{
	if (!capture__heap(run->capture))
		return;
	if (run->options->mode == OPTIONS_HOST)
		log__warn(
			"heap: no process is probed on the whole host until one is asked for; give --pid or CMD");
	else if (capture__profile(run->capture, "cpu"))
		log__info(
			"cpu and heap at once: CPU samples see the heap's probes (their cost is in malloc and free); "
			"-P cpu and -P heap measure each alone");
}

/* CMD, which was forked before, keeps what it had. */
static void run__drop_privileges(const struct run *run)
{
	const struct options *options = run->options;
	uint64_t keep = PRIVILEGES_NEEDED, later = 0;
	int err;

	if (run->has_command)
		keep |= CAP_MASK(CAP_KILL); /* signals are passed on, whoever CMD has become */
	if (privileges__perf_event_paranoid() > 2)
		keep |= CAP_MASK(CAP_SYS_ADMIN); /* nothing could be attached on demand */
	if (options->output_dir || options->listen.kind == ADDRESS_UNIX)
		later = PRIVILEGES_TO_WRITE;
	err = privileges__drop(keep, later);
	if (err)
		log__warn("cannot give up privileges: %s; all else goes on", strerror(-err));
	else
		log__debug("privileges given up; what is left: %#llx",
			(unsigned long long)privileges__effective());
}

static int run__loop(struct run *run)
{
	const struct options *options = run->options;
	int err;

	run__tell_start(run);
	/* Before CMD runs: loading takes tens of milliseconds, in which its first mappings would wait. */
	trace__start(run->trace);
	if (run->has_command && run__release(run)) {
		held__free(run->held);
		run->held = NULL;
		return EXIT_RUN_TIME;
	}
	run__on_guard(run);
	loop__add_timer(run->loop, GUARD_NS, GUARD_NS, run__on_guard, run);
	run__tell_heap(run);
	run__tell_gaps();
	if (options->duration_ns)
		loop__add_timer(run->loop, options->duration_ns, 0, run__stop, run);
	run__on_events(run);
	run__drop_privileges(run);
	if (run->retain && retain__start(run->retain, run->loop, run->capture))
		return EXIT_RUN_TIME;
	run->is_started = true;
	service__ready(run->loop);
	run__on_tick(run);
	err = loop__run(run->loop);
	held__free(run->held);
	run->held = NULL;
	if (err) {
		log__error("the event loop failed: %s", strerror(-err));
		run->status = EXIT_RUN_TIME;
	}
	return 0;
}

/* In the order in which things lean on each other; what was not opened is NULL. */
static void run__close(struct run *run)
{
	command__cancel(&run->command);
	if (!run->is_started)
		privileges__raise(PRIVILEGES_TO_WRITE);
	service__close(run->service);
	trace__close(run->trace);
	retain__close(run->retain);
	if (!run->is_started)
		folder__unmake(&run->output);
	budget__free(run->budget);
	capture__free(run->capture);
	watch__free(run->watch);
	symbol_cache__free(run->symbols_options.cache);
	debuginfod__free(run->symbols_options.debuginfod);
	loop__free(run->loop);
	if (run->stats_fd >= 0)
		close(run->stats_fd);
}

/* Up to where BPF begins. Logs. */
static int run__prepare(struct run *run)
{
	const struct options *options = run->options;
	int err;

	if (run__check(run) || service__open(options, &run->service) ||
		retain__open(&options->retain, &run->retain))
		return -1;
	err = run__open_loop(run);
	if (err) {
		log__error("cannot set up the event loop: %s", strerror(-err));
		return err;
	}
	/* Forked before anything is mapped or loaded, so that CMD inherits nothing of it. */
	err = run->has_command ? command__start(options->command, &run->command) : 0;
	if (err)
		log__error("cannot start CMD: %s", strerror(-err));
	return err;
}

int run(const struct options *options, const struct shared_sizes *sizes)
{
	struct run run = {.options = options,
		.has_command = options->mode == OPTIONS_COMMAND,
		.command = {.release_fd = -1, .error_fd = -1},
		.stats_fd = -1};

	libbpf_set_print(failure__print_libbpf);
	run.status = EXIT_RUN_TIME;
	if (run__prepare(&run))
		goto out;
	run.status = 0;
	setpriority(PRIO_PROCESS, 0, NICE); /* refused without CAP_SYS_NICE: works all the same */
	if (run__open(&run, sizes)) {
		run.status = EXIT_RUN_TIME;
	} else if (options->dump_threads) {
		run__dump_threads(&run);
	} else if (run__loop(&run)) {
		run.status = EXIT_RUN_TIME;
	} else {
		run__finish(&run);
		run__await_command(&run);
	}
out:
	run__close(&run);
	return run.status;
}
