/* Every option, once: its names, its help and the words for a value that it cannot take. */
#ifndef BPFPROF_OPTIONS_TABLE_H
#define BPFPROF_OPTIONS_TABLE_H

#include <argp.h>
#include <stddef.h>

/* Below 0x80, the short option. */
enum option_key {
	OPTION_PID = 'p',
	OPTION_DURATION = 'd',
	OPTION_INTERVAL = 'i',
	OPTION_FREQUENCY = 'F',
	OPTION_PROFILES = 'P',
	OPTION_OUTPUT = 'o',
	OPTION_FORMAT = 'f',
	OPTION_QUIET = 'q',
	OPTION_VERBOSE = 'v',
	OPTION_TOP = 0x100,
	OPTION_HEAP_RATE,
	OPTION_MAX_OVERHEAD,
	OPTION_MAX_MEMORY,
	OPTION_LISTEN,
	OPTION_LINGER,
	OPTION_LISTEN_TOKEN_FILE,
	OPTION_NO_TRACE,
	OPTION_STATS,
	OPTION_SYMBOL_CACHE,
	OPTION_DEBUGINFOD,
	OPTION_WALL,
	OPTION_RETAIN,
	OPTION_CHECK,
	OPTION_HELP,
	OPTION_VERSION,
};

/* `--NAME: "x" is not WHAT; give GIVE` */
struct option_words {
	int key;
	const char *what, *give;
};

extern const struct argp_option options_table[];

/* The long name of an option in the table. */
const char *options_table__name(int key);
/* The words for an option that takes a value. */
const struct option_words *options_table__words(int key);

/*
 * Says in message why getopt refused arg: an option that is unknown or ambiguous, lacks its value,
 * or has one that it does not take.
 */
void options_table__explain(const char *arg, char *message, size_t size);

#endif
