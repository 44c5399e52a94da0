// SPDX-License-Identifier: GPL-2.0
/* bpfprof: a system-wide eBPF profiler. The front door: options in, exit status out. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "check.h"
#include "log.h"
#include "options.h"
#include "run.h"

#define MAP_SIZE_MAX (1ul << 30)

/* A host has more files and perf events than the soft limit's 1,024. */
static void limits__raise(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE,
		&limit); /* what is refused is met again, with a name, where it matters */
}

/* BPFPROF_MAP_SIZES=ring=4096,samples=16,stacks=16,processes=8,rows=64,chunks=2,objects=8,sites=16,uprobes=2,thin=1: how tests make maps overflow, and the
 * heap's probes be thinned out. */
static int sizes__parse(char *text, struct shared_sizes *ret)
{
	enum { RING, SAMPLES, STACKS, PROCESSES, ROWS, CHUNKS, OBJECTS, SITES, UPROBES, THIN };
	static char *const names[] = {
		[RING] = "ring",
		[SAMPLES] = "samples",
		[STACKS] = "stacks",
		[PROCESSES] = "processes",
		[ROWS] = "rows",
		[CHUNKS] = "chunks",
		[OBJECTS] = "objects",
		[SITES] = "sites",
		[UPROBES] = "uprobes",
		[THIN] = "thin",
		NULL,
	};
	uint32_t *const fields[] = {
		[RING] = &ret->ring_bytes,
		[SAMPLES] = &ret->samples_max,
		[STACKS] = &ret->stacks_max,
		[PROCESSES] = &ret->processes_max,
		[ROWS] = &ret->mapping_rows_max,
		[CHUNKS] = &ret->unwind_chunks_max,
		[OBJECTS] = &ret->heap_objects_max,
		[SITES] = &ret->heap_sites_max,
		[UPROBES] = &ret->uprobe_kind,
		[THIN] = &ret->heap_thin,
	};
	char *value, *end;

	while (*text) {
		int name = getsubopt(&text, names, &value);
		unsigned long size;

		if (name < 0 || !value || !isdigit((unsigned char)*value))
			return -1;
		size = strtoul(value, &end, 10);
		if (*end || !size || size > MAP_SIZE_MAX)
			return -1;
		*fields[name] = (uint32_t)size;
	}
	return 0;
}

int main(int argc, char **argv)
{
	static struct options options;
	struct shared_sizes sizes = {0};
	char error[OPTIONS_MESSAGE_MAX], *size_text = getenv("BPFPROF_MAP_SIZES");

	if (options__parse(argc, argv, getenv("BPFPROF"), &options, error)) {
		log__error("%s", error);
		return EXIT_USAGE;
	}
	if (options.action == OPTIONS_HELP)
		return options__print_help(stdout) ? EXIT_RUN_TIME : 0;
	if (options.action == OPTIONS_PRINT_VERSION)
		return options__print_version(stdout) ? EXIT_RUN_TIME : 0;
	log__init(options.log_level);
	if (options.action == OPTIONS_CHECK) {
		limits__raise();
		return check(stdout);
	}
	if (options.warning[0])
		log__warn("%s", options.warning);
	if (size_text && sizes__parse(size_text, &sizes)) {
		log__error(
			"BPFPROF_MAP_SIZES: not understood; give ring=,samples=,stacks=,processes=,rows=,chunks= with numbers from 1 to 1073741824");
		return EXIT_USAGE;
	}
	if (options.debuginfod && !(getenv("DEBUGINFOD_URLS") && *getenv("DEBUGINFOD_URLS"))) {
		log__error(
			"--debuginfod: DEBUGINFOD_URLS is not set; set it to the servers to ask (sudo "
			"keeps no environment: sudo DEBUGINFOD_URLS=URL bpfprof), or leave "
			"--debuginfod out");
		return EXIT_USAGE;
	}
	limits__raise();
	return run(&options, &sizes);
}
