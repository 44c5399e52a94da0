// SPDX-License-Identifier: GPL-2.0
/* Names of any bytes (functions, files, comm, threads, cgroups) through every output: none drives a terminal, ends a line or a
 * string early, or is no UTF-8. A piece of the input is a byte of length and so many bytes. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "output/folded.h"
#include "output/json_writer.h"
#include "output/legacy.h"
#include "output/pprof.h"
#include "output/profile_json.h"
#include "output/text.h"
#include "output/threads_text.h"
#include "output/top.h"
#include "symbol/memory.h"

#define LOCATIONS 3
#define PID       7

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *data;
	size_t size;
};

struct piece {
	const char *text;
	size_t len;
};

static struct piece input__take(struct input *input)
{
	struct piece piece = {"", 0};

	if (!input->size)
		return piece;
	piece.text = (const char *)input->data + 1;
	piece.len = input->data[0];
	if (piece.len > input->size - 1)
		piece.len = input->size - 1;
	input->data += 1 + piece.len;
	input->size -= 1 + piece.len;
	return piece;
}

static const char *cgroup_path(uint64_t cgroup, void *arg)
{
	(void)cgroup;
	return arg;
}

/* ---- what must hold ---- */

static void check_characters(const char *text, size_t bytes, const char *allowed)
{
	size_t i;

	if (!text__is_utf8(text, bytes))
		abort();
	for (i = 0; i < bytes; i++) {
		unsigned char c = (unsigned char)text[i];

		if ((c < 0x20 || c == 0x7f) && (!c || !strchr(allowed, c)))
			abort();
		if (c == 0xc2 && i + 1 < bytes && (unsigned char)text[i + 1] < 0xa0)
			abort(); /* C1 */
	}
}

/* "frames value" a line. */
static void check_folded(const char *text, size_t bytes)
{
	const char *line = text, *end;

	check_characters(text, bytes, "\n");
	for (; line < text + bytes; line = end + 1) {
		const char *value;

		end = memchr(line, '\n', (size_t)(text + bytes - line));
		value = end ? memrchr(line, ' ', (size_t)(end - line)) : NULL;
		if (!value || value[1 + strspn(value + 1, "-0123456789")] != '\n')
			abort();
	}
}

/* Strings end, what is opened is closed, and nothing ends the script that the page has it in. */
static void check_json(const char *text, size_t bytes)
{
	bool in_string = false;
	int depth = 0;
	size_t i;

	if (!text__is_utf8(text, bytes) || memchr(text, '<', bytes))
		abort();
	for (i = 0; i < bytes; i++) {
		if ((unsigned char)text[i] < 0x20 && text[i] != '\n')
			abort();
		if (in_string && text[i] == '\n')
			abort();
		if (in_string && text[i] == '\\')
			i++;
		else if (text[i] == '"')
			in_string = !in_string;
		else if (!in_string)
			depth += (text[i] == '{' || text[i] == '[') -
				 (text[i] == '}' || text[i] == ']');
		if (depth < 0)
			abort();
	}
	if (in_string || depth)
		abort();
}

static void check_terminal(const char *text, size_t bytes)
{
	check_characters(text, bytes, "\n\t");
}

static void check_nothing(const char *text, size_t bytes)
{
	(void)text, (void)bytes;
}

/* ---- the outputs ---- */

static int write_top(const struct output_source *source, FILE *out)
{
	return top__write(source, 10, out);
}

static int write_legacy(const struct output_source *source, FILE *out)
{
	return legacy__write(source, "threads", out);
}

static struct thread_record record;

static int write_threads(const struct output_source *source, FILE *out)
{
	return threads_text__write(&(struct threads_text){source, &record, 1}, out);
}

static int write_threads_grouped(const struct output_source *source, FILE *out)
{
	return threads_text__write_grouped(&(struct threads_text){source, &record, 1}, out);
}

static int write_json(const struct output_source *source, FILE *out)
{
	struct json json = {.out = out};

	json__open(&json, NULL, '{');
	json__text(&json, "name", source->cgroup_arg);
	json__close(&json, '}');
	return json.error;
}

static const struct {
	int (*write)(const struct output_source *source, FILE *out);
	void (*check)(const char *text, size_t bytes);
} outputs[] = {
	{folded__write, check_folded},
	{write_top, check_terminal},
	{write_legacy, check_terminal},
	{write_threads, check_terminal},
	{write_threads_grouped, check_terminal},
	{profile_json__write, check_json},
	{write_json, check_json},
	{pprof__write, check_nothing},
};

static void write_all(const struct output_source *source)
{
	size_t i, bytes;
	char *text;

	for (i = 0; i < sizeof(outputs) / sizeof(outputs[0]); i++) {
		FILE *out = open_memstream(&text, &bytes);

		if (!out || outputs[i].write(source, out) || fclose(out))
			abort();
		outputs[i].check(text, bytes);
		free(text);
	}
}

/* ---- a profile of one stack ---- */

static const char *intern(struct symbols *symbols, struct piece piece)
{
	const char *text = symbol_memory__intern(symbols->memory, piece.text, piece.len);

	if (!text)
		abort();
	return text;
}

static void add_sample(struct input *input, struct stack_table *stacks, struct profile *profile,
	const uint64_t *frames)
{
	struct stack *stack = calloc(1, sizeof(*stack) + LOCATIONS * sizeof(frames[0]));
	const uint64_t values[PROFILE_VALUES_MAX] = {3, 30, 3, 30};
	struct sample_key key = {.stack = 1, .pid = PID, .start_ns = 7, .cgroup = 42};
	struct piece comm = input__take(input), thread = input__take(input);

	if (!stack)
		abort();
	stack->hash = 1;
	stack->user_cnt = LOCATIONS;
	memcpy(stack->frames, frames, LOCATIONS * sizeof(frames[0]));
	memcpy(key.comm, comm.text, comm.len < sizeof(key.comm) ? comm.len : sizeof(key.comm));
	memcpy(key.thread, thread.text,
		thread.len < sizeof(key.thread) ? thread.len : sizeof(key.thread));
	record = (struct thread_record){
		.stack = 1, .start_ns = 7, .pid = PID, .tid = PID, .cgroup = 42};
	memcpy(record.comm, key.comm, sizeof(record.comm));
	memcpy(record.thread, key.thread, sizeof(record.thread));
	if (stack_table__add(stacks, stack) || profile__add(profile, &key, values))
		abort();
	free(stack);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct profile_kind *const kinds[] = {&profile_kind_cpu, &profile_kind_heap,
		&profile_kind_block, &profile_kind_mutex, &profile_kind_threads,
		&profile_kind_wall};
	const uint64_t frames[LOCATIONS] = {0x7f0000001000,
		FRAME_FILE | 1ull << FRAME_ADDR_BITS | 0x10,
		FRAME_FILE | 1ull << FRAME_ADDR_BITS | 0x20};
	struct symbol_line lines[LOCATIONS] = {0};
	struct symbol_location locations[LOCATIONS] = {{.frame = frames[0],
							       .pid = PID,
							       .start_ns = 7,
							       .address = frames[0],
							       .mapping = UINT32_MAX},
		{.frame = frames[1], .address = 0x10, .mapping = 0},
		{.frame = frames[2], .address = 0x20, .mapping = 0}};
	struct symbol_mapping mapping = {.build_id = "", .limit = 0x1000};
	struct symbols symbols = {.memory = symbol_memory__new(),
		.mappings = &mapping,
		.mapping_cnt = 1,
		.locations = locations,
		.location_cnt = LOCATIONS};
	struct input input = {data, size};
	struct stack_table *stacks = stack_table__new(NULL);
	struct profile *profile = profile__new(kinds[size % 6], stacks, NULL);
	struct output_source source = {
		.profile = profile, .symbols = &symbols, .cgroup_path = cgroup_path};
	struct piece cgroup;
	size_t i;

	if (!symbols.memory || !profile)
		abort();
	add_sample(&input, stacks, profile, frames);
	cgroup = input__take(&input);
	source.cgroup_arg = strndup(cgroup.text, cgroup.len);
	mapping.path = intern(&symbols, input__take(&input));
	for (i = 0; i < LOCATIONS; i++) {
		struct piece function = input__take(&input);

		lines[i] = (struct symbol_line){.line = 7};
		lines[i].function = lines[i].system_name = intern(&symbols, function);
		lines[i].file = intern(&symbols, input__take(&input));
		/* the last one may have no name: then its mapping's stands for it */
		locations[i].lines = &lines[i];
		locations[i].line_cnt = function.len || i + 1 < LOCATIONS;
	}
	write_all(&source);
	free(source.cgroup_arg);
	profile__free(profile);
	stack_table__free(stacks);
	symbol_memory__free(symbols.memory);
	return 0;
}
