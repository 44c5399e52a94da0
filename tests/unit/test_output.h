/* SPDX-License-Identifier: GPL-2.0 */
/* What the tests of outputs share: profiles made by hand, and other people's tools as oracle. */
#ifndef TEST_OUTPUT_H
#define TEST_OUTPUT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "bpfprof.h"
#include "output/format.h"
#include "output/source.h"
#include "profile/profile.h"
#include "symbol/symbols.h"

#define FIXTURE_LOCATIONS_MAX 40000
#define FIXTURE_LINES_MAX     4
#define FIXTURE_NAME_BYTES    64

struct fixture {
	struct stack_table *stacks;
	struct profile *profile;
	struct symbols symbols;
	struct symbol_mapping mappings[8];
	struct symbol_location *locations;
	struct symbol_line *lines; /* FIXTURE_LINES_MAX a location */
	char (*names)[FIXTURE_NAME_BYTES];
	size_t name_cnt;
	struct output_source source;
	uint64_t random;
	char dir[32];
};

static inline uint64_t fixture__random(struct fixture *fixture)
{
	fixture->random ^= fixture->random << 13; /* xorshift64 */
	fixture->random ^= fixture->random >> 7;
	fixture->random ^= fixture->random << 17;
	return fixture->random;
}

static inline struct fixture *fixture__new(const struct profile_kind *kind)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	fixture->stacks = stack_table__new(NULL);
	fixture->profile = profile__new(kind, fixture->stacks, NULL);
	assert_non_null(fixture->profile);
	fixture->locations = calloc(FIXTURE_LOCATIONS_MAX, sizeof(*fixture->locations));
	fixture->lines = calloc(FIXTURE_LOCATIONS_MAX * FIXTURE_LINES_MAX, sizeof(*fixture->lines));
	fixture->names = calloc(FIXTURE_LOCATIONS_MAX * FIXTURE_LINES_MAX, sizeof(*fixture->names));
	assert_true(fixture->locations && fixture->lines && fixture->names);
	fixture->symbols.mappings = fixture->mappings;
	fixture->symbols.locations = fixture->locations;
	fixture->source.profile = fixture->profile;
	fixture->source.symbols = &fixture->symbols;
	fixture->random = 88172645463325252ull;
	fixture->profile->time_ns = 1700000000123456789;
	fixture->profile->duration_ns = 10000000000;
	fixture->profile->period = 10101010;
	strcpy(fixture->dir, "/tmp/test_output.XXXXXX");
	assert_non_null(mkdtemp(fixture->dir));
	return fixture;
}

static inline void fixture__free(struct fixture *fixture)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", fixture->dir);
	assert_int_equal(system(command), 0);
	profile__free(fixture->profile);
	stack_table__free(fixture->stacks);
	free(fixture->locations);
	free(fixture->lines);
	free(fixture->names);
	free(fixture);
}

static inline uint64_t file_frame(uint32_t file_id, uint64_t address)
{
	return FRAME_FILE | (uint64_t)file_id << FRAME_ADDR_BITS | address;
}

static inline uint64_t kernel_frame(uint64_t address)
{
	return (address & ~FRAME_FILE) | FRAME_KERNEL;
}

static inline uint32_t fixture__mapping(struct fixture *fixture, struct symbol_mapping mapping)
{
	fixture->mappings[fixture->symbols.mapping_cnt] = mapping;
	return fixture->symbols.mapping_cnt++;
}

/* A location at the place of its frame; its lines are added with fixture__line. */
static inline struct symbol_location *fixture__location(
	struct fixture *fixture, uint64_t frame, uint64_t address, uint32_t mapping)
{
	size_t i = fixture->symbols.location_cnt++;
	struct symbol_location *location;

	assert_true(i < FIXTURE_LOCATIONS_MAX);
	for (; i && fixture->locations[i - 1].frame > frame; i--)
		fixture->locations[i] = fixture->locations[i - 1];
	location = &fixture->locations[i];
	*location = (struct symbol_location){
		.frame = frame, .address = address, .mapping = mapping};
	location->lines = &fixture->lines[(fixture->symbols.location_cnt - 1) * FIXTURE_LINES_MAX];
	return location;
}

/* Adds a line, innermost first; function NULL: named after the number. */
static inline void fixture__line(struct fixture *fixture, struct symbol_location *location,
	const char *function, unsigned int number)
{
	struct symbol_line *line = (struct symbol_line *)&location->lines[location->line_cnt++];
	char *name = fixture->names[fixture->name_cnt++];

	assert_true(location->line_cnt <= FIXTURE_LINES_MAX);
	snprintf(name, FIXTURE_NAME_BYTES, function ? "%s" : "%s_%u", function ? function : "fn",
		number);
	line->function = name;
	line->system_name = name;
	line->file = "/src/app.c";
	line->line = number + 10;
	line->start_line = number + 1;
}

static inline void fixture__stack(struct fixture *fixture, uint64_t hash, enum stack_end end,
	size_t kernel_cnt, const uint64_t *frames, size_t frame_cnt)
{
	struct stack *stack = calloc(1, sizeof(*stack) + frame_cnt * sizeof(stack->frames[0]));

	assert_non_null(stack);
	stack->hash = hash;
	stack->end = end;
	stack->kernel_cnt = kernel_cnt;
	stack->user_cnt = frame_cnt - kernel_cnt;
	memcpy(stack->frames, frames, frame_cnt * sizeof(stack->frames[0]));
	assert_int_equal(stack_table__add(fixture->stacks, stack), 0);
	free(stack);
}

static inline struct sample_key fixture__key(uint64_t stack, uint32_t pid, const char *comm)
{
	struct sample_key key = {.stack = stack, .pid = pid, .start_ns = 7, .cgroup = 42};

	assert_true(strlen(comm) < sizeof(key.comm));
	strcpy(key.comm, comm);
	memcpy(key.thread, "worker", 7);
	return key;
}

static inline void fixture__add(struct fixture *fixture, uint64_t stack, uint32_t pid,
	const char *comm, uint64_t count, uint64_t value)
{
	struct sample_key key = fixture__key(stack, pid, comm);
	const uint64_t values[PROFILE_VALUES_MAX] = {count, value, count, value};

	assert_int_equal(profile__add(fixture->profile, &key, values), 0);
}

/* function_cnt functions in a program, a library and the kernel, every seventh with an inlined one;
 * sample_cnt samples of random stacks of them in pid_cnt processes, the first functions hottest. */
static inline void fixture__fill(struct fixture *fixture, unsigned int function_cnt,
	unsigned int pid_cnt, unsigned int sample_cnt, unsigned int depth_max)
{
	uint32_t app = fixture__mapping(
		fixture, (struct symbol_mapping){"/usr/bin/app", "abcd01", 0x1000, 0x800000, 0x1000,
				 true, true, true, true});
	uint32_t lib = fixture__mapping(
		fixture, (struct symbol_mapping){"/usr/lib/libfoo.so.1", "ef23", 0x1000, 0x800000,
				 0x1000, true, true, true, true});
	uint32_t kernel = fixture__mapping(
		fixture, (struct symbol_mapping){"[kernel.kallsyms]", "", 0xffffffff81000000,
				 0xffffffff82000000, 0, true, false, false, false});
	struct symbol_location *location;
	uint64_t frames[512];
	uint32_t i, n, depth, kernel_cnt;

	for (i = 0; i < 64; i++) {
		location = fixture__location(fixture, kernel_frame(0xffffffff81000100 + i * 16),
			0xffffffff81000100 + i * 16, kernel);
		fixture__line(fixture, location, NULL, 100000 + i);
	}
	for (i = 0; i < function_cnt; i++) {
		n = i % 2 ? app : lib;
		location = fixture__location(
			fixture, file_frame(n + 1, 0x2000 + i * 16), 0x2000 + i * 16, n);
		if (i % 7 == 0)
			fixture__line(fixture, location, NULL, i / 2);
		fixture__line(fixture, location, NULL, i);
	}
	for (n = 1; n <= sample_cnt; n++) {
		depth = 1 + fixture__random(fixture) % depth_max;
		kernel_cnt = fixture__random(fixture) % 3;
		for (i = 0; i < kernel_cnt; i++)
			frames[i] = kernel_frame(
				0xffffffff81000100 + fixture__random(fixture) % 64 * 16);
		for (; i < kernel_cnt + depth; i++) {
			uint32_t f = fixture__random(fixture) %
				     (1 + fixture__random(fixture) % function_cnt);

			frames[i] = file_frame((f % 2 ? app : lib) + 1, 0x2000 + f * 16);
		}
		fixture__stack(fixture, n * 0x9e3779b97f4a7c15ull,
			n % 50 ? STACK_END_ROOT : STACK_END_NO_ROW, kernel_cnt, frames, i);
		fixture__add(fixture, n * 0x9e3779b97f4a7c15ull, 1000 + n % pid_cnt, "app",
			1 + n % 3, (1 + n % 3) * 10101010ull);
	}
}

/* What a command prints on stdout; the test fails when the command does. To be freed. */
static inline char *run(const char *format, ...)
{
	char command[1024];
	char *text = NULL;
	size_t bytes;
	va_list args;
	FILE *memory = open_memstream(&text, &bytes);
	FILE *pipe;
	int c, status;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	while ((c = fgetc(pipe)) != EOF)
		fputc(c, memory);
	fclose(memory);
	status = pclose(pipe);
	if (status)
		fail_msg("%s: exit status %d", command, WEXITSTATUS(status));
	return text;
}

/* Saves the profile as DIR/KIND.SUFFIX. */
static inline void fixture__save(struct fixture *fixture, const char *format)
{
	assert_int_equal(
		output_format__save(output_format__find(format), &fixture->source, fixture->dir),
		0);
}

static inline void assert_contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no \"%s\" in:\n%s", part, text);
}

static inline void assert_lacks(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("\"%s\" in:\n%s", part, text);
}

#endif
