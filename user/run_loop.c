// SPDX-License-Identifier: GPL-2.0
/* What a run does when something happens: events of the kernel's, timers, signals. */
#include "run_private.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "collect/heap.h"
#include "log.h"
#include "notify.h"
#include "own.h"
#include "process/file.h"

#define DRAIN_NS_MAX                                                                               \
	(1000 * MS_NS) /* with lines further apart the maps are still drained this often */
#define COMMAND_GRACE_NS                                                                           \
	(3000 * MS_NS) /* between a signal that was passed on and giving up on CMD's end */

/* What the heap's collector has to say: libraries never print. */
void run__print_notes(struct run *run)
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

void run__on_events(void *arg)
{
	struct run *run = arg;
	struct loop_turns turns;
	int again_ms;

	/* Every ring that woke this turn, and the timer, come here: the first time takes all that there was. */
	loop__turns(run->loop, &turns);
	if (run->events_turn == turns.cnt + 1)
		return;
	run->events_turn = turns.cnt + 1;
	again_ms = capture__on_events(run->capture);
	run__print_notes(run);
	if (again_ms >= 0)
		loop__set_timer(run->events_timer, (uint64_t)again_ms * MS_NS, 0);
}

/* Ids of files are never given to others: stacks that are kept refer to them. */
static void run__tell_files_are_full(struct run *run)
{
	const struct files *files = capture__files(run->capture);

	if (run->told_files_are_full || !files__refused_cnt(files))
		return;
	run->told_files_are_full = true;
	log__warn(
		"%u files have been executed since the start, as many as can be told apart: frames of others are "
		"addresses without a name from now on (files_refused); a restart begins anew",
		files__cnt(files));
}

void run__on_guard(void *arg)
{
	struct run *run = arg;

	run__tell_files_are_full(run);
	budget__look(run->budget, run->drain_ns);
	if (!capture__heap(run->capture))
		return;
	heap__guard(capture__heap(run->capture), run->options->max_overhead_ppm, own__cpu_ns());
	run__print_notes(run);
}

static void run__on_interval(void *arg)
{
	struct run *run = arg;
	uint64_t start_ns = own__cpu_ns();
	int err = capture__drain(run->capture);

	run->drain_ns += own__cpu_ns() - start_ns;
	loop__set_timer(run->events_timer, MS_NS, 0); /* the drain may have found tables to build */
	if (err == -EAGAIN)
		loop__set_timer(run->retry_timer, MS_NS, 0);
	else if (err)
		log__error("cannot drain the samples: %s; they stay in the kernel", strerror(-err));
	else {
		retain__on_drained(run->retain);
		service__on_drained(run->service);
	}
}

/* Several who want one at the same time get the same. */
void run__want_drain(void *arg)
{
	struct run *run = arg;

	loop__set_timer(run->retry_timer, MS_NS, 0);
}

void run__on_tick(void *arg)
{
	struct run *run = arg;
	uint64_t wait_ns = capture__tick(run->capture);

	if (wait_ns)
		loop__set_timer(run->tick_timer, wait_ns, 0);
}

void run__stop(void *arg)
{
	struct run *run = arg;

	loop__stop(run->loop);
}

void run__on_child(struct run *run)
{
	held__on_child(run->held);
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

int run__add_fd(int fd, void *arg)
{
	struct run *run = arg;

	return loop__add_fd(run->loop, fd, run__on_events, run);
}

int run__open_loop(struct run *run)
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
