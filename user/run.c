// SPDX-License-Identifier: GPL-2.0
/* The life of a run: set up, loop, report, tear down. */
#include "run.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "capture.h"
#include "collect/heap.h"
#include "command.h"
#include "heap_trace.h"
#include "log.h"
#include "loop.h"
#include "notify.h"
#include "report.h"
#include "symbol/cache.h"
#include "symbol/debuginfod.h"
#include "service.h"
#include "trace.h"
#include "watch.h"

#define MS_NS 1000000ull
#define NICE  (-10) /* what is late here is mappings that stacks wait for; the daemon runs little */
#define DRAIN_NS_MAX                                                                               \
	(1000 * MS_NS)          /* with lines further apart the maps are still drained this often */
#define GUARD_NS (1000 * MS_NS) /* between two looks at what the heap's probes cost */
#define COMMAND_GRACE_NS                                                                           \
	(3000 * MS_NS) /* between a signal that was passed on and giving up on CMD's end */

struct run {
	const struct options *options;
	struct loop *loop;
	struct capture *capture;
	struct trace *trace;
	struct watch *watch;
	struct service *service; /* NULL: nothing is served */
	struct command command;
	bool has_command;
	bool command_ended;
	struct symbols_options symbols_options; /* its cache serves every profile of this run */
	int status;
	int stats_fd; /* while open, the kernel measures programs' run times */
	int events_timer, retry_timer, tick_timer;
};

static bool has_cap_sys_admin(void)
{
	unsigned long long effective = 0;
	char line[128];
	FILE *file = fopen("/proc/self/status", "re");

	if (!file)
		return false;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "CapEff: %llx", &effective) == 1)
			break;
	fclose(file);
	return effective >> CAP_SYS_ADMIN & 1;
}

/* Debian's kernels know a level 3, at which CAP_PERFMON is not enough (CONFIG_SECURITY_PERF_EVENTS_RESTRICT). */
static bool perf__is_restricted(void)
{
	FILE *file = fopen("/proc/sys/kernel/perf_event_paranoid", "re");
	int level = 0;

	if (!file)
		return false;
	if (fscanf(file, "%d", &level) != 1)
		level = 0;
	fclose(file);
	return level > 2;
}

static void run__log_failure(const char *reason, int err)
{
	if (access("/sys/kernel/btf/vmlinux", R_OK))
		log__error(
			"%s: this kernel has no BTF (/sys/kernel/btf/vmlinux); use one built with "
			"CONFIG_DEBUG_INFO_BTF, as distributions' kernels are",
			reason);
	else if ((err == -EPERM || err == -EACCES) && has_cap_sys_admin())
		/* The verifier of an older kernel says so too. */
		log__error("%s: %s, though all rights are there; -v shows what the kernel said",
			reason, strerror(-err));
	else if (err == -EACCES && perf__is_restricted())
		log__error(
			"%s: %s; kernel.perf_event_paranoid is above 2, so that this kernel asks for "
			"CAP_SYS_ADMIN too: run it as root, or set kernel.perf_event_paranoid=2",
			reason, strerror(-err));
	else if (err == -EPERM || err == -EACCES)
		log__error("%s: %s; run it as root, or with CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE, "
			   "CAP_DAC_READ_SEARCH and CAP_SYSLOG",
			reason, strerror(-err));
	else
		log__error("%s: %s; -v shows what the kernel said", reason, strerror(-err));
}

static int libbpf__print(enum libbpf_print_level level, const char *format, va_list args)
{
	char *text = NULL, *line, *rest;

	/* What the verifier said of a refused program has many lines: each is one of ours. */
	if (level == LIBBPF_DEBUG || vasprintf(&text, format, args) < 0)
		return 0;
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		log__debug("%s", line);
	free(text);
	return 0;
}

/* What the heap's collector has to say: libraries never print. */
static void run__print_notes(struct run *run)
{
	struct collector *heap = capture__heap(run->capture);
	char text[HEAP_NOTE_BYTES_MAX], escaped[2 * HEAP_NOTE_BYTES_MAX];
	enum heap_note_level level;

	while (heap && heap__take_note(heap, &level, text)) {
		log__escape(escaped, sizeof(escaped), text);
		if (level == HEAP_NOTE_WARN)
			log__warn("%s", escaped);
		else if (level == HEAP_NOTE_INFO)
			log__info("%s", escaped);
		else
			log__debug("%s", escaped);
	}
}

static void run__on_events(void *arg)
{
	struct run *run = arg;
	int again_ms = capture__on_events(run->capture);

	run__print_notes(run);

	if (again_ms >= 0)
		loop__set_timer(run->events_timer, (uint64_t)again_ms * MS_NS, 0);
}

static uint64_t own__cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000 * MS_NS + (uint64_t)now.tv_nsec;
}

static void run__on_guard(void *arg)
{
	struct run *run = arg;

	if (!capture__heap(run->capture))
		return;
	heap__guard(capture__heap(run->capture), run->options->max_overhead_ppm, own__cpu_ns());
	run__print_notes(run);
}

static void run__on_interval(void *arg)
{
	struct run *run = arg;
	int err = capture__drain(run->capture);

	loop__set_timer(run->events_timer, MS_NS, 0); /* the drain may have found tables to build */
	if (err == -EAGAIN)
		loop__set_timer(run->retry_timer, MS_NS, 0);
	else if (err)
		log__error("cannot drain the samples: %s; they stay in the kernel", strerror(-err));
	else
		service__on_drained(run->service);
}

/* Several who want one at the same time get the same. */
static void run__want_drain(void *arg)
{
	struct run *run = arg;

	loop__set_timer(run->retry_timer, MS_NS, 0);
}

static void run__on_tick(void *arg)
{
	struct run *run = arg;
	uint64_t wait_ns = capture__tick(run->capture);

	if (wait_ns)
		loop__set_timer(run->tick_timer, wait_ns, 0);
}

static void run__stop(void *arg)
{
	struct run *run = arg;

	loop__stop(run->loop);
}

static void run__on_child(struct run *run)
{
	if (run->has_command && !run->command_ended &&
		command__has_ended(&run->command, &run->status)) {
		run->command_ended = true;
		loop__stop(run->loop);
	}
}

/* From the second one on these signals do what they do by default: end the program at once. */
static void signals__default(void)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	sigset_t set;
	size_t i;

	sigemptyset(&set);
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		signal(signals[i], SIG_DFL);
		sigaddset(&set, signals[i]);
	}
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void run__on_signal(const struct signalfd_siginfo *info, void *arg)
{
	struct run *run = arg;
	int signal = (int)info->ssi_signo;

	switch (signal) {
	case SIGCHLD:
		run__on_child(run);
		return;
	case SIGUSR1:
		trace__toggle_sched(run->trace);
		return;
	case SIGUSR2:
		trace__toggle_heap(run->trace);
		return;
	case SIGHUP:
		if (!notify__is_wanted())
			break; /* a terminal that was closed */
		service__reload(run->service);
		return;
	default:
		break;
	}
	signals__default();
	if (!run->has_command || run->command_ended) {
		loop__stop(run->loop);
		return;
	}
	/* The terminal sends its signals to CMD as well as to us; those of a user's kill come to us alone. */
	if (info->ssi_code != SI_KERNEL)
		kill(run->command.pid, signal);
	run->status = 128 + signal;
	loop__add_timer(run->loop, COMMAND_GRACE_NS, 0, run__stop, run);
}

static int run__add_fd(int fd, void *arg)
{
	struct run *run = arg;

	return loop__add_fd(run->loop, fd, run__on_events, run);
}

static int run__open_loop(struct run *run)
{
	static const int signals[] = {
		SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGCHLD, 0};
	uint64_t drain_ns = run->options->interval_ns < DRAIN_NS_MAX ? run->options->interval_ns
								     : DRAIN_NS_MAX;
	int err = loop__new(&run->loop);

	if (err)
		return err;
	err = loop__add_signals(run->loop, signals, run__on_signal, run);
	if (err)
		return err;
	run->events_timer = loop__add_timer(run->loop, 0, 0, run__on_events, run);
	run->retry_timer = loop__add_timer(run->loop, 0, 0, run__on_interval, run);
	run->tick_timer = loop__add_timer(run->loop, 0, 0, run__on_tick, run);
	err = loop__add_timer(run->loop, drain_ns, drain_ns, run__on_interval, run);
	if (run->events_timer < 0 || run->retry_timer < 0 || run->tick_timer < 0 || err < 0)
		return -EMFILE;
	return 0;
}

/* The processes that options name, or CMD. Logs. */
static int run__add_targets(struct run *run)
{
	const struct options *options = run->options;
	size_t i;
	int err;

	if (run->has_command) {
		err = capture__add_target(run->capture, run->command.pid);
		if (err)
			run__log_failure("cannot follow CMD", err);
		return err;
	}
	for (i = 0; i < options->pid_cnt; i++) {
		err = capture__add_target(run->capture, options->pids[i]);
		if (err == -ESRCH)
			log__error("pid %d: no such process; it may have ended meanwhile",
				options->pids[i]);
		else if (err)
			run__log_failure("cannot follow a process", err);
		if (err)
			return err;
	}
	if (options->mode != OPTIONS_PIDS)
		return 0;
	err = watch__new(run->loop, options->pids, options->pid_cnt, run__stop, run, &run->watch);
	if (err)
		run__log_failure("cannot watch the processes", err);
	return err;
}

/* Everything that can be wrong with what the user asked for, before anything is loaded. Logs. */
static int run__check(const struct options *options)
{
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
	return options->output_dir ? report__check_dir(options->output_dir) : 0;
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
		run__log_failure(reason, err);
		return err;
	}
	err = run__add_targets(run);
	if (err)
		return err;
	err = trace__open(run->loop, options, run->capture, &run->trace, &reason);
	if (!err)
		err = capture__start(run->capture, &reason);
	if (!err)
		err = capture__each_fd(run->capture, run__add_fd, run);
	if (err) {
		run__log_failure(reason, err);
		return err;
	}
	if (run->service)
		err = service__start(
			run->service, run->loop, run->capture, run->trace, run__want_drain, run);
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

static int run__loop(struct run *run)
{
	const struct options *options = run->options;
	int err;

	run__tell_start(run);
	/* Before CMD runs: loading takes tens of milliseconds, in which its first mappings would wait. */
	trace__start(run->trace);
	if (run->has_command && run__release(run))
		return EXIT_RUN_TIME;
	run__on_guard(run);
	loop__add_timer(run->loop, GUARD_NS, GUARD_NS, run__on_guard, run);
	run__tell_heap(run);
	if (options->duration_ns)
		loop__add_timer(run->loop, options->duration_ns, 0, run__stop, run);
	run__on_events(run);
	service__ready(run->loop);
	run__on_tick(run);
	err = loop__run(run->loop);
	if (err) {
		log__error("the event loop failed: %s", strerror(-err));
		run->status = EXIT_RUN_TIME;
	}
	return 0;
}

/* -d ends the profile, not CMD: its status is still ours to pass on. */
static void run__await_command(struct run *run)
{
	while (run->has_command && !run->command_ended && run->status == 0) {
		run__on_child(run);
		if (!run->command_ended)
			usleep(10000);
	}
}

static void run__finish(struct run *run)
{
	int err;

	notify__send("STOPPING=1");
	service__close(run->service);
	run->service = NULL;
	err = capture__stop(run->capture);
	trace__stop(run->trace);
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
		report__stats(run->capture, &run->symbols_options);
}

/* -P threads -d 0 */
static void run__dump_threads(struct run *run)
{
	int err = capture__stop(run->capture);

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
		report__stats(run->capture, &run->symbols_options);
}

int run(const struct options *options, const struct shared_sizes *sizes)
{
	struct run run = {.options = options,
		.has_command = options->mode == OPTIONS_COMMAND,
		.stats_fd = -1};
	int err;

	libbpf_set_print(libbpf__print);
	if (run__check(options) || service__open(options, &run.service))
		return EXIT_RUN_TIME;
	err = run__open_loop(&run);
	if (err) {
		log__error("cannot set up the event loop: %s", strerror(-err));
		loop__free(run.loop);
		return EXIT_RUN_TIME;
	}
	/* Forked before anything is mapped or loaded, so that CMD inherits nothing of it. */
	if (run.has_command) {
		err = command__start(options->command, &run.command);
		if (err) {
			log__error("cannot start CMD: %s", strerror(-err));
			loop__free(run.loop);
			return EXIT_RUN_TIME;
		}
	}
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
	if (run.has_command)
		command__cancel(&run.command);
	service__close(run.service);
	trace__close(run.trace);
	capture__free(run.capture);
	watch__free(run.watch);
	symbol_cache__free(run.symbols_options.cache);
	debuginfod__free(run.symbols_options.debuginfod);
	loop__free(run.loop);
	if (run.stats_fd >= 0)
		close(run.stats_fd);
	return run.status;
}
