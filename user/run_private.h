/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of a run share. */
#ifndef BPFPROF_RUN_PRIVATE_H
#define BPFPROF_RUN_PRIVATE_H

#include "budget.h"
#include "capture.h"
#include "command.h"
#include "folder.h"
#include "held.h"
#include "loop.h"
#include "options.h"
#include "privileges.h"
#include "retain.h"
#include "service.h"
#include "symbol/symbols.h"
#include "trace.h"
#include "watch.h"

#define MS_NS 1000000ull

/* At the end, to write files where root by itself may not, into a user's folder, over a user's file in /tmp; and to remove
 * the socket's file there. */
#define PRIVILEGES_TO_WRITE (CAP_MASK(CAP_DAC_OVERRIDE) | CAP_MASK(CAP_FOWNER))

struct run {
	const struct options *options;
	struct loop *loop;
	struct capture *capture;
	struct trace *trace;
	struct watch *watch;
	struct service *service; /* NULL: nothing is served */
	struct retain *retain;   /* NULL: nothing is kept */
	struct folder output;    /* of -o */
	struct command command;
	struct held *held; /* CMD on its way to main(); NULL: it is not held */
	bool has_command;
	bool command_ended;
	bool is_started; /* there will be something to write */
	bool told_files_are_full;
	struct budget *budget;
	uint64_t drain_ns;                      /* own CPU time of all drains */
	struct symbols_options symbols_options; /* its cache serves every profile of this run */
	int status;
	int stats_fd; /* while open, the kernel measures programs' run times */
	int events_timer, retry_timer, tick_timer;
	uint64_t events_turn; /* 1 + number of the turn in which events were handled last */
};

/* The loop with its timers and signals. 0 or -errno. */
int run__open_loop(struct run *run);
int run__add_fd(int fd, void *arg);
void run__on_events(void *arg);
void run__on_guard(void *arg);
void run__on_tick(void *arg);
/* SIGCHLD, or a look whether CMD has ended. */
void run__on_child(struct run *run);
void run__want_drain(void *arg);
void run__stop(void *arg);
/* Drains for the last time and writes what was asked for. */
void run__finish(struct run *run);
/* -d ends the profile, not CMD: its status is still ours to pass on. */
void run__await_command(struct run *run);
/* -P threads -d 0 */
void run__dump_threads(struct run *run);
/* What the heap's collector has to say: libraries never print. */
void run__print_notes(struct run *run);

#endif
