/*
 * What the command line and BPFPROF ask for.
 *
 * Three forms: the whole host; --pid LIST; a command. The command is everything after `--`, or from
 * the first word that is neither an option nor an option's value, so `bpfprof -d 5 xz -9 f` works;
 * a bare number there is refused, because `--top 5` and `--pid 1 2` are slips, not commands. --pid,
 * -P and -f add up when repeated; of all others the last one counts. Options and words that could
 * have no effect are refused, never ignored.
 *
 * BPFPROF is read as Go reads GODEBUG: KEY=VALUE, separated by commas, the last of one key counts.
 *   schedtrace=MS   period of the SCHED lines, 0 = off
 *   heaptrace=MS    period of the heap lines, 0 = off
 *   scheddetail=1   SCHED lines are followed by a line a CPU and a line a thread
 * Where it says nothing, --interval is the period of both, and lines are on where their collector
 * runs. --no-trace turns both off whatever BPFPROF says. SIGUSR1 and SIGUSR2 turn lines on and off
 * later: the periods are valid even while sched_lines or heap_lines is false. A key that is unknown,
 * or has no effect here, becomes a warning; a bad value is wrong usage.
 */
#ifndef BPFPROF_OPTIONS_H
#define BPFPROF_OPTIONS_H

#include "log.h"
#include "parse.h"

#include <stdio.h>

#ifndef BPFPROF_VERSION
#define BPFPROF_VERSION "0.1.0"
#endif

#define OPTIONS_PIDS_MAX    1024
#define OPTIONS_PATH_MAX    4096
#define OPTIONS_MESSAGE_MAX 512 /* bytes of the longest message */

enum options_action { OPTIONS_RUN, OPTIONS_HELP, OPTIONS_PRINT_VERSION, OPTIONS_CHECK };
enum options_mode { OPTIONS_HOST, OPTIONS_PIDS, OPTIONS_COMMAND };

enum {
	OPTIONS_CPU = 1 << 0,
	OPTIONS_HEAP = 1 << 1,
	OPTIONS_BLOCK = 1 << 2,
	OPTIONS_MUTEX = 1 << 3,
	OPTIONS_THREADS = 1 << 4,
	OPTIONS_SCHED = 1 << 5,
	OPTIONS_THREADCREATE = 1 << 6,
	OPTIONS_WALL = 1 << 7,
	OPTIONS_FAULTS = 1 << 8,
};

enum {
	OPTIONS_PPROF = 1 << 0,
	OPTIONS_FOLDED = 1 << 1,
	OPTIONS_HTML = 1 << 2,
};

/*
 * What this version can do. A collector or a format that lands flips its line in options_table.c:
 * then its value is accepted and it takes its place in the defaults and in --help. Profiles and
 * formats stand in the order of the bits above. Not const, so that tests can try both.
 */
enum {
	FEATURE_CPU,
	FEATURE_HEAP, /* --heap-rate and the heap lines too */
	FEATURE_BLOCK,
	FEATURE_MUTEX,
	FEATURE_THREADS,
	FEATURE_SCHED,
	FEATURE_THREADCREATE,
	FEATURE_WALL,
	FEATURE_FAULTS,
	FEATURE_PPROF,
	FEATURE_FOLDED,
	FEATURE_HTML,
	FEATURE_LISTEN,
	FEATURE_MAX_OVERHEAD,
	FEATURE_CNT,
	FEATURE_PROFILE_CNT = FEATURE_PPROF - FEATURE_CPU,
	FEATURE_FORMAT_CNT = FEATURE_LISTEN - FEATURE_PPROF,
};

struct options_feature {
	const char *name;
	bool available;
};

extern struct options_feature options_features[FEATURE_CNT];

/* --retain DIR,SIZE,AGE[,PERIOD] */
struct options_retain {
	char dir[OPTIONS_PATH_MAX]; /* "": none */
	uint64_t bytes_max, age_max_ns;
	uint64_t period_ns; /* of one profile: a minute; another one is for tests */
};

/* Strings and command point into argv. */
struct options {
	enum options_action action; /* unless OPTIONS_RUN, only action is set */
	enum options_mode mode;
	pid_t pids[OPTIONS_PIDS_MAX]; /* distinct, in the order given */
	size_t pid_cnt;               /* 0 unless OPTIONS_PIDS */
	char **command;               /* ends in NULL; NULL unless OPTIONS_COMMAND */
	uint64_t duration_ns;         /* 0: no limit */
	bool dump_threads;            /* -P threads -d 0: print them once, now, and end */
	uint64_t interval_ns;         /* 10 ms to 24 h */
	unsigned int frequency_hz;
	uint32_t profiles;      /* OPTIONS_CPU | ... */
	uint32_t formats;       /* OPTIONS_PPROF | ... */
	const char *output_dir; /* NULL: nothing is written */
	unsigned int top_cnt;   /* 0: no table */
	uint64_t heap_rate_bytes;
	uint32_t max_overhead_ppm; /* of one CPU; 50000 is 5 % */
	uint64_t max_memory_bytes; /* RSS and maps; 0: no limit */
	struct address listen;
	uint64_t symbol_cache_bytes; /* 0: none */
	bool debuginfod;
	bool listen_is_default; /* nobody asked for it: a busy port is no failure */
	uint64_t linger_ns;
	const char *token_file; /* NULL: none */
	struct options_retain retain;
	bool stats;
	enum log_level log_level;
	bool sched_lines, heap_lines; /* on at start */
	bool sched_detail;
	uint64_t sched_period_ns, heap_period_ns; /* 10 ms to 24 h */
	char warning[OPTIONS_MESSAGE_MAX];        /* one line for log__warn(), or empty */
};

/*
 * Parses argv, which ends in NULL, and bpfprof_env, the value of BPFPROF or NULL. Prints nothing.
 * Returns 0; -EINVAL for wrong usage (exit status 2), -ENOMEM, both with the line to log in error,
 * OPTIONS_MESSAGE_MAX bytes. *ret is untouched on failure.
 */
int options__parse(
	int argc, char **argv, const char *bpfprof_env, struct options *ret, char *error);

/* Both return 0, or a negative errno where the text could not be written. */
int options__print_help(FILE *out);
int options__print_version(FILE *out);

#endif
