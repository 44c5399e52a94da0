/* SPDX-License-Identifier: GPL-2.0 */
/* What the symbolizer's tests share: a profile made of addresses, and other people's tools as
 * oracle. */
#ifndef TEST_SYMBOL_H
#define TEST_SYMBOL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "bpfprof.h"
#include "process/file.h"
#include "profile/profile.h"
#include "symbol/symbols.h"

struct fixture {
	struct files *files;
	struct stack_table *stacks;
	struct profile *profile;
	struct symbols *symbols;
	unsigned int failed_cnt;
	uint64_t hash;
};

static inline int fixture__setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	fixture->files = files__new();
	fixture->stacks = stack_table__new(NULL);
	assert_non_null(fixture->files);
	assert_non_null(fixture->stacks);
	fixture->profile = profile__new(&profile_kind_cpu, fixture->stacks, NULL);
	assert_non_null(fixture->profile);
	*state = fixture;
	return 0;
}

static inline int fixture__teardown(void **state)
{
	struct fixture *fixture = *state;

	symbols__free(fixture->symbols);
	profile__free(fixture->profile);
	stack_table__free(fixture->stacks);
	files__free(fixture->files);
	free(fixture);
	return 0;
}

static inline uint32_t fixture__file(struct fixture *fixture, const char *path)
{
	struct file_mapping mapping = {.path = path, .pid = getpid()};
	struct stat st;
	uint32_t id;

	assert_return_code(stat(path, &st), 0);
	mapping.identity.dev = st.st_dev;
	mapping.identity.ino = st.st_ino;
	id = files__intern(fixture->files, &mapping);
	assert_true(id != 0);
	return id;
}

static inline uint64_t file_frame(uint32_t id, uint64_t address)
{
	return FRAME_FILE | (uint64_t)id << FRAME_ADDR_BITS | address;
}

/* One sample of process pid with these frames. */
static inline void fixture__add(struct fixture *fixture, uint32_t pid, uint64_t start_ns,
	const uint64_t *frames, size_t cnt)
{
	uint64_t values[PROFILE_VALUES_MAX] = {1, 1};

	for (size_t i = 0; i < cnt; i += 256) {
		size_t n = cnt - i < 256 ? cnt - i : 256;
		struct stack *stack = calloc(1, sizeof(*stack) + n * sizeof(*frames));
		struct sample_key key = {.pid = pid, .start_ns = start_ns};

		assert_non_null(stack);
		stack->hash = key.stack = ++fixture->hash;
		stack->user_cnt = n;
		memcpy(stack->frames, frames + i, n * sizeof(*frames));
		assert_return_code(stack_table__add(fixture->stacks, stack), 0);
		assert_return_code(profile__add(fixture->profile, &key, values), 0);
		free(stack);
	}
}

static inline void fixture__resolve(struct fixture *fixture, const struct symbols_options *options)
{
	assert_return_code(symbols__resolve(fixture->profile, fixture->files, options,
				   &fixture->symbols, &fixture->failed_cnt),
		0);
}

static inline const struct symbol_location *fixture__find(struct fixture *fixture, uint64_t frame)
{
	const struct symbol_location *location = symbols__find(fixture->symbols, frame, 0, 0);

	assert_non_null(location);
	return location;
}

/* The output of a command, by line; to be freed. Skips the test when the command is not there. */
static inline char *command_output(const char *format, ...)
{
	char command[4096], *text = NULL;
	size_t len = 0, size = 0;
	va_list args;
	FILE *pipe;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	do {
		if (size - len < 65536) {
			size = size * 2 + 65536;
			text = realloc(text, size);
			assert_non_null(text);
		}
		len += fread(text + len, 1, size - len - 1, pipe);
	} while (!feof(pipe));
	text[len] = '\0';
	assert_int_equal(pclose(pipe), 0);
	return text;
}

/* The shared object of this process whose path contains name. */
static inline const char *loaded_object(const char *name)
{
	static char path[4096];
	char line[4096];
	FILE *maps = fopen("/proc/self/maps", "re");

	assert_non_null(maps);
	path[0] = '\0';
	while (!path[0] && fgets(line, sizeof(line), maps)) {
		char *slash = strchr(line, '/');

		if (slash && strstr(slash, name)) {
			slash[strcspn(slash, "\n")] = '\0';
			snprintf(path, sizeof(path), "%s", slash);
		}
	}
	fclose(maps);
	if (!path[0])
		fail_msg("%s is not loaded", name);
	return path;
}

/* NULL when no such file is installed. */
static inline const char *first_existing(const char *const *paths)
{
	for (; *paths; paths++)
		if (access(*paths, R_OK) == 0)
			return *paths;
	return NULL;
}

#endif
