// SPDX-License-Identifier: GPL-2.0
/* Texts of /proc/PID: maps, stat, status and cgroup. A process chooses its name, those of its files and that of its cgroup. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "collect/cpu_mask.h"
#include "process/memory_limit.h"
#include "process/proc.h"
#include "serve/access.h"
#include "symbol/perf_map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Text of exactly this size, so that the sanitizer sees each read behind it. */
static char *text__new(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

static bool is_within(const char *part, const char *text, size_t bytes)
{
	return part >= text && part + strlen(part) < text + bytes;
}

static void fuzz_maps(char *line)
{
	size_t bytes = strlen(line) + 1;
	struct proc_mapping mapping;

	if (!proc_mapping__parse(line, &mapping) &&
		(mapping.start >= mapping.end || !is_within(mapping.path, line, bytes)))
		abort();
}

static void fuzz_cgroup(char *line)
{
	size_t bytes = strlen(line) + 1;
	char *folder;

	if (cgroup_line__folder(line, &folder) &&
		(!is_within(folder, line, bytes) || *folder != '/' || strchr(folder, '\n') ||
			strstr(folder, "/..")))
		abort();
}

static void fuzz_text(char *text)
{
	struct access_creds creds;
	struct process_ids ids;
	struct proc_stat stat;
	struct cpu_mask mask;

	if (!proc_stat__parse(text, &stat) && !strchr(text, ')'))
		abort();
	if (!process_ids__parse(text, &ids) && !strstr(text, "\nNSpid:"))
		abort();
	if (!access_creds__parse(text, &creds) &&
		(!strstr(text, "Uid:") || !strstr(text, "CapPrm:")))
		abort();
	cpu_mask__parse(text, &mask);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = text__new(data, size);

	fuzz_text(text);
	fuzz_maps(text);
	free(text);
	text = text__new(data, size);
	fuzz_cgroup(text);
	free(text);
	return 0;
}
