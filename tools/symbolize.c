// SPDX-License-Identifier: GPL-2.0
/* symbolize FILE < ADDRESSES: what bpfprof knows of addresses of an ELF file, in the form of `addr2line -a -f -i`. For tests,
 * for measuring beside addr2line and llvm-symbolizer, and for people. */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bpfprof.h"
#include "process/clock.h"
#include "process/file.h"
#include "profile/profile.h"
#include "symbol/debuginfod.h"
#include "symbol/symbols.h"

#define FRAMES_MAX 256 /* of one made-up stack */

struct arguments {
	const char *file;
	struct symbols_options options;
	bool demangled;
	bool debuginfod;
	bool statistics;
};

static const struct argp_option options[] = {
	{"demangle", 'C', NULL, 0, "demangle names", 0},
	{"debug-dir", 'd', "DIR", 0, "where debug files are (default: /usr/lib/debug)", 0},
	{"debuginfod", 'u', NULL, 0, "ask the servers in DEBUGINFOD_URLS", 0},
	{"statistics", 's', NULL, 0, "time and memory on stderr", 0},
	{NULL, 0, NULL, 0, NULL, 0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case 'C':
		arguments->demangled = true;
		return 0;
	case 'd':
		arguments->options.debug_dir = arg;
		return 0;
	case 'u':
		arguments->debuginfod = true;
		return 0;
	case 's':
		arguments->statistics = true;
		return 0;
	case ARGP_KEY_ARG:
		if (arguments->file)
			return ARGP_ERR_UNKNOWN;
		arguments->file = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_usage(state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "symbolize: %s: %s\n", what, why);
	exit(1);
}

static uint32_t open_file(struct files *files, const char *path)
{
	char *full = realpath(path, NULL);
	struct file_mapping mapping = {.path = full, .pid = getpid()};
	struct stat st;
	uint32_t id;

	if (!full || stat(full, &st))
		fail(path, strerror(errno));
	mapping.identity.dev = st.st_dev;
	mapping.identity.ino = st.st_ino;
	id = files__intern(files, &mapping);
	if (!id)
		fail(path, "not an ELF file of this machine");
	free(full);
	return id;
}

static uint64_t *read_addresses(size_t *ret_cnt)
{
	uint64_t *addresses = NULL;
	size_t cnt = 0, size = 0;
	char line[256];

	while (fgets(line, sizeof(line), stdin)) {
		if (cnt == size) {
			size = size ? 2 * size : 1024;
			addresses = reallocarray(addresses, size, sizeof(*addresses));
			if (!addresses)
				fail("addresses", strerror(ENOMEM));
		}
		addresses[cnt++] = strtoull(line, NULL, 16) & FRAME_ADDR_MASK;
	}
	*ret_cnt = cnt;
	return addresses;
}

static uint64_t frame_of(uint32_t id, uint64_t address)
{
	return FRAME_FILE | (uint64_t)id << FRAME_ADDR_BITS | address;
}

/* One sample that has these addresses as its stack. */
static int add_sample(struct profile *profile, struct stack_table *stacks, uint32_t id,
	const uint64_t *addresses, size_t cnt)
{
	static uint64_t hash;
	uint64_t values[PROFILE_VALUES_MAX] = {1, 1};
	struct stack *stack = calloc(1, sizeof(*stack) + cnt * sizeof(uint64_t));
	struct sample_key key = {.pid = 1};
	int err;

	if (!stack)
		return -ENOMEM;
	stack->hash = key.stack = ++hash;
	stack->user_cnt = cnt;
	for (size_t i = 0; i < cnt; i++)
		stack->frames[i] = frame_of(id, addresses[i]);
	err = stack_table__add(stacks, stack);
	free(stack);
	return err ? err : profile__add(profile, &key, values);
}

static void print(const struct symbols *symbols, uint32_t id, uint64_t address, bool demangled)
{
	const struct symbol_location *location = symbols__find(
		symbols, frame_of(id, address), 0, 0);

	printf("0x%016" PRIx64 "\n", address);
	if (!location || !location->line_cnt)
		puts("??\n??:0");
	for (uint32_t i = 0; location && i < location->line_cnt; i++)
		printf("%s\n%s:%u\n",
			demangled ? location->lines[i].function : location->lines[i].system_name,
			location->lines[i].file ? location->lines[i].file : "??",
			location->lines[i].line);
}

static double seconds(const struct timeval *a, const struct timeval *b)
{
	return (double)(a->tv_sec + b->tv_sec) + (double)(a->tv_usec + b->tv_usec) / 1e6;
}

static void print_statistics(size_t cnt, uint64_t began_ns)
{
	struct rusage own, children;
	uint64_t ns = clock__ns(CLOCK_MONOTONIC) - began_ns;

	getrusage(RUSAGE_SELF, &own);
	getrusage(RUSAGE_CHILDREN, &children);
	fprintf(stderr, "addresses=%zu wall=%.3f cpu=%.3f rss_kib=%ld child_rss_kib=%ld\n", cnt,
		(double)ns / 1e9,
		seconds(&own.ru_utime, &own.ru_stime) +
			seconds(&children.ru_utime, &children.ru_stime),
		own.ru_maxrss, children.ru_maxrss);
}

int main(int argc, char **argv)
{
	const struct argp argp = {options, parse, "FILE",
		"Names addresses of FILE, which are read from stdin, one a line, in hex.", NULL,
		NULL, NULL};
	struct arguments arguments = {0};
	struct files *files = files__new();
	struct stack_table *stacks = stack_table__new(NULL);
	struct profile *profile = stacks ? profile__new(&profile_kind_cpu, stacks, NULL) : NULL;
	struct symbols *symbols = NULL;
	uint64_t *addresses, began_ns;
	unsigned int failed_cnt = 0;
	size_t cnt;
	uint32_t id;
	int err = 0;

	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	if (!files || !profile)
		fail(arguments.file, strerror(ENOMEM));
	if (arguments.debuginfod)
		arguments.options.debuginfod = debuginfod__new();
	id = open_file(files, arguments.file);
	addresses = read_addresses(&cnt);
	began_ns = clock__ns(CLOCK_MONOTONIC);
	for (size_t i = 0; i < cnt && !err; i += FRAMES_MAX)
		err = add_sample(profile, stacks, id, addresses + i,
			cnt - i < FRAMES_MAX ? cnt - i : FRAMES_MAX);
	err = err ? err
		  : symbols__resolve(profile, files, &arguments.options, &symbols, &failed_cnt);
	if (err)
		fail(arguments.file, strerror(-err));
	for (size_t i = 0; i < cnt; i++)
		print(symbols, id, addresses[i], arguments.demangled);
	if (failed_cnt)
		fprintf(stderr, "symbolize: %s: could not be read whole\n", arguments.file);
	if (arguments.statistics)
		print_statistics(cnt, began_ns);
	symbols__free(symbols);
	debuginfod__free(arguments.options.debuginfod);
	profile__free(profile);
	stack_table__free(stacks);
	files__free(files);
	free(addresses);
	return failed_cnt ? 1 : 0;
}
