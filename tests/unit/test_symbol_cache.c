// SPDX-License-Identifier: GPL-2.0
/* The cache of names: what it gives back, its budget, and that a second profile reads no file again. */
#include "test_symbol.h"

#include <fcntl.h>

#include "symbol/cache.h"
#include "symbol/memory.h"

#define NS_PER_S 1000000000ull

static struct symbol_location location_of(uint64_t frame)
{
	return (struct symbol_location){.frame = frame, .mapping = UINT32_MAX};
}

static void put(struct symbol_cache *cache, uint64_t frame, const char *name, const char *file)
{
	const struct symbol_line line = {
		.function = name, .system_name = name, .file = file, .line = 7, .start_line = 3};
	struct symbol_location location = location_of(frame);

	location.lines = &line;
	location.line_cnt = 1;
	symbol_cache__put(cache, &location, 0, false);
}

static bool has(struct symbol_cache *cache, struct symbol_memory *memory, uint64_t frame)
{
	struct symbol_location location = location_of(frame);
	bool failed;

	return symbol_cache__get(cache, &location, memory, 1, &failed);
}

static void gives_back(void **state)
{
	struct symbol_cache *cache = symbol_cache__new(1 << 20);
	struct symbol_memory *memory = symbol_memory__new();
	struct symbol_location location = location_of(file_frame(1, 0x1000));
	bool failed = false;

	(void)state;
	assert_false(symbol_cache__get(cache, &location, memory, 1, &failed));
	put(cache, location.frame, "f", "/x.c");
	assert_true(symbol_cache__get(cache, &location, memory, 1, &failed));
	assert_int_equal(location.line_cnt, 1);
	assert_string_equal(location.lines->function, "f");
	assert_ptr_equal(location.lines->function, location.lines->system_name);
	assert_string_equal(location.lines->file, "/x.c");
	assert_int_equal(location.lines->line, 7);
	assert_int_equal(location.lines->start_line, 3);
	assert_false(failed);
	/* the answer outlives the cache */
	symbol_cache__free(cache);
	assert_string_equal(location.lines->function, "f");
	symbol_memory__free(memory);
	assert_false(symbol_cache__get(NULL, &location, NULL, 1, &failed));
}

static void no_name_is_asked_again(void **state)
{
	struct symbol_cache *cache = symbol_cache__new(1 << 20);
	struct symbol_memory *memory = symbol_memory__new();
	struct symbol_location location = location_of(file_frame(1, 0x1000));
	bool failed = false;

	(void)state;
	location.function_start = 0xf00;
	symbol_cache__put(cache, &location, 0, true);
	location.function_start = 0;
	assert_true(symbol_cache__get(cache, &location, memory, 599 * NS_PER_S, &failed));
	assert_true(failed);
	assert_int_equal(location.function_start, 0xf00);
	assert_int_equal(location.line_cnt, 0);
	assert_false(symbol_cache__get(cache, &location, memory, 600 * NS_PER_S, &failed));
	symbol_memory__free(memory);
	symbol_cache__free(cache);
}

/* 200,000 names through 1 MiB: the budget holds all the way, what is used stays, what is not goes. */
static void evicts(void **state)
{
	const size_t budget = 1 << 20;
	struct symbol_cache *cache = symbol_cache__new(budget);
	struct symbol_memory *memory = symbol_memory__new();
	uint64_t used = file_frame(2, 0x10);
	struct symbol_cache_stats stats;

	(void)state;
	put(cache, used, "used", NULL);
	for (uint64_t i = 0; i < 200000; i++) {
		char name[64];

		snprintf(name, sizeof(name), "function_with_a_long_name_%lu", i);
		put(cache, file_frame(1, i * 16), name, "/src/file.c");
		if (i % 100 == 0)
			assert_true(has(cache, memory, used));
		symbol_cache__stats(cache, &stats);
		assert_true(stats.bytes <= budget + budget / 8);
	}
	assert_true(stats.bytes > budget / 4);
	assert_true(stats.evicted_cnt > 180000);
	assert_true(has(cache, memory, file_frame(1, 199999 * 16)));
	assert_false(has(cache, memory, file_frame(1, 0)));
	symbol_cache__free(cache);
	/* none: nothing is kept */
	cache = symbol_cache__new(0);
	put(cache, used, "used", NULL);
	assert_false(has(cache, memory, used));
	symbol_cache__free(cache);
	symbol_memory__free(memory);
}

static void check_same(const struct symbols *a, const struct symbols *b)
{
	assert_int_equal(a->location_cnt, b->location_cnt);
	assert_int_equal(a->mapping_cnt, b->mapping_cnt);
	for (size_t i = 0; i < a->location_cnt; i++) {
		const struct symbol_location *x = &a->locations[i], *y = &b->locations[i];

		assert_int_equal(x->frame, y->frame);
		assert_int_equal(x->line_cnt, y->line_cnt);
		assert_int_equal(x->function_start, y->function_start);
		assert_int_equal(x->mapping == UINT32_MAX, y->mapping == UINT32_MAX);
		if (x->mapping != UINT32_MAX) {
			assert_int_equal(
				a->mappings[x->mapping].start, b->mappings[y->mapping].start);
			assert_int_equal(
				a->mappings[x->mapping].limit, b->mappings[y->mapping].limit);
			assert_string_equal(
				a->mappings[x->mapping].path, b->mappings[y->mapping].path);
		}
		for (uint32_t k = 0; k < x->line_cnt; k++) {
			assert_string_equal(x->lines[k].function, y->lines[k].function);
			assert_string_equal(x->lines[k].system_name, y->lines[k].system_name);
			assert_int_equal(x->lines[k].line, y->lines[k].line);
			assert_int_equal(x->lines[k].file != NULL, y->lines[k].file != NULL);
		}
	}
}

static uint64_t address_of_kernel(void)
{
	FILE *file = fopen("/proc/kallsyms", "re");
	char line[512];
	uint64_t address = 0;

	while (file && fgets(line, sizeof(line), file))
		if (strstr(line, " T do_exit\n"))
			address = strtoull(line, NULL, 16);
	if (file)
		fclose(file);
	return address;
}

/* libc and the kernel, twice; a third time with frames that are new among those that are not. */
static void second_profile_reads_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct symbol_cache *cache = symbol_cache__new(8 << 20);
	struct symbols_options options = {.cache = cache};
	uint32_t id = fixture__file(fixture, loaded_object("/libc.so"));
	struct symbols *first, *plain;
	struct symbol_cache_stats stats;
	uint64_t frames[512], kernel = address_of_kernel();
	unsigned int failed_cnt = 0;

	for (size_t i = 0; i < 256; i++)
		frames[i] = file_frame(id, 0x28000 + i * 1000);
	fixture__add(fixture, 1, 1, frames, 256);
	if (kernel)
		fixture__add(fixture, 1, 1, (uint64_t[]){(kernel & ~FRAME_FILE) + 4}, 1);
	fixture__resolve(fixture, &options);
	first = fixture->symbols;
	symbol_cache__stats(cache, &stats);
	assert_int_equal(stats.hit_cnt, 0);
	/* Where nothing could be read the second answer is the first one all the same. */
	options.kallsyms_path = "/nonexistent";
	options.debug_dir = "/nonexistent";
	fixture__resolve(fixture, &options);
	check_same(first, fixture->symbols);
	assert_null(fixture->symbols->kernel_reason);
	symbol_cache__stats(cache, &stats);
	assert_int_equal(stats.hit_cnt, first->location_cnt);
	assert_int_equal(stats.miss_cnt, first->location_cnt);
	symbols__free(first);
	symbols__free(fixture->symbols);

	options = (struct symbols_options){.cache = cache};
	for (size_t i = 0; i < 256; i++)
		frames[i] += 500;
	fixture__add(fixture, 1, 1, frames, 256);
	fixture__resolve(fixture, &options);
	options.cache = NULL;
	assert_return_code(
		symbols__resolve(fixture->profile, fixture->files, &options, &plain, &failed_cnt),
		0);
	check_same(plain, fixture->symbols);
	symbols__free(plain);
	symbol_cache__free(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_back),
		cmocka_unit_test(no_name_is_asked_again),
		cmocka_unit_test(evicts),
		cmocka_unit_test_setup_teardown(
			second_profile_reads_nothing, fixture__setup, fixture__teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
