// SPDX-License-Identifier: GPL-2.0
/* The store of unwind tables in real BPF maps: what it writes is what the parser read, under a budget. Needs root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <cmocka.h>

#include "unwind/cfi.h"
#include "unwind/store.h"

#define FILE_MAX  64
#define PAGE_MAX  4096
#define CHUNK_MAX 64
#define SECOND_NS 1000000000ull

struct fixture {
	struct files *files;
	struct unwind_store_maps maps;
	struct unwind_store *store;
	struct unwind_block *chunks[CHUNK_MAX];
	uint32_t epoch;
};

static int chunk__create(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);

	return bpf_map_create(BPF_MAP_TYPE_ARRAY, "chunk", sizeof(uint32_t),
		sizeof(struct unwind_block), UNWIND_CHUNK_BLOCKS, &opts);
}

static void fixture__open(struct fixture *fixture, uint32_t chunk_max)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts);
	int inner = chunk__create();

	if (inner < 0)
		fail_msg("cannot make BPF maps: %s; this test needs root", strerror(-inner));
	opts.inner_map_fd = (uint32_t)inner;
	memset(fixture, 0, sizeof(*fixture));
	fixture->files = files__new();
	fixture->maps = (struct unwind_store_maps){
		.files = calloc(FILE_MAX, sizeof(struct unwind_file)),
		.file_max = FILE_MAX,
		.pages = calloc(PAGE_MAX, sizeof(struct unwind_page_rows)),
		.page_max = PAGE_MAX,
		.rules = calloc(UNWIND_RULES_MAX, sizeof(struct unwind_rule)),
		.rule_max = UNWIND_RULES_MAX,
		.chunks_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "chunks", sizeof(uint32_t),
			sizeof(uint32_t), chunk_max, &opts),
		.chunk_max = chunk_max,
	};
	close(inner);
	assert_true(fixture->maps.chunks_fd >= 0);
	fixture->store = unwind_store__new(&fixture->maps, fixture->files);
	assert_non_null(fixture->store);
}

static void fixture__close(struct fixture *fixture)
{
	uint32_t i;

	for (i = 0; i < CHUNK_MAX; i++)
		if (fixture->chunks[i])
			munmap(fixture->chunks[i],
				UNWIND_CHUNK_BLOCKS * sizeof(struct unwind_block));
	unwind_store__free(fixture->store);
	files__free(fixture->files);
	close(fixture->maps.chunks_fd);
	free(fixture->maps.files);
	free(fixture->maps.pages);
	free(fixture->maps.rules);
}

static uint32_t fixture__file(struct fixture *fixture, const char *path)
{
	struct file_mapping mapping = {.path = path, .pid = getpid()};
	struct stat st;
	uint32_t id;

	if (stat(path, &st))
		fail_msg("%s: not there", path);
	mapping.identity.dev = st.st_dev;
	mapping.identity.ino = st.st_ino;
	id = files__intern(fixture->files, &mapping);
	assert_int_not_equal(id, 0);
	return id;
}

static void fixture__turns(struct fixture *fixture, int cnt)
{
	while (cnt--)
		unwind_store__begin_epoch(fixture->store, ++fixture->epoch);
}

static void fixture__build(struct fixture *fixture, uint32_t id)
{
	unwind_store__request(fixture->store, id, true);
	while (unwind_store__work(fixture->store, SECOND_NS))
		;
}

/* The block as BPF would look it up: through the array of maps. */
static const struct unwind_block *fixture__block(struct fixture *fixture, uint32_t row)
{
	uint32_t index = row / UNWIND_CHUNK_ROWS, map_id;

	if (!fixture->chunks[index]) {
		int fd;

		assert_int_equal(bpf_map_lookup_elem(fixture->maps.chunks_fd, &index, &map_id), 0);
		fd = bpf_map_get_fd_by_id(map_id);
		assert_true(fd >= 0);
		fixture->chunks[index] = mmap(NULL,
			UNWIND_CHUNK_BLOCKS * sizeof(struct unwind_block), PROT_READ, MAP_SHARED,
			fd, 0);
		assert_true(fixture->chunks[index] != MAP_FAILED);
		close(fd);
	}
	return &fixture->chunks[index][row % UNWIND_CHUNK_ROWS / UNWIND_BLOCK_ROWS];
}

/* The rule at an address by a plain walk over the page's rows. */
static uint16_t fixture__find(struct fixture *fixture, uint32_t id, uint64_t address)
{
	const struct unwind_file *file = &fixture->maps.files[id];
	uint32_t page = (uint32_t)(address >> UNWIND_PAGE_SHIFT) - file->first_number, i;
	struct unwind_page_rows rows;
	uint16_t rule = UNWIND_RULE_ID_NONE;

	if (page >= file->page_cnt)
		return rule;
	rows = fixture->maps.pages[file->first_page + page];
	for (i = 0; i < rows.cnt; i++) {
		struct unwind_row row = fixture__block(fixture, rows.row + i)
						->rows[(rows.row + i) % UNWIND_BLOCK_ROWS];

		if (row.offset > (address & (UNWIND_PAGE_BYTES - 1)))
			break;
		rule = row.rule;
	}
	return rule;
}

/* Compares the kernel's copy with a table of the same file that another parser built. */
static void fixture__compare(struct fixture *fixture, uint32_t id)
{
	struct unwind_rules *rules = unwind_rules__new();
	struct cfi_parser *parser = cfi_parser__new_fd(files__fd(fixture->files, id), NULL, rules);
	struct unwind_table *table;
	uint64_t i, cnt = 0;

	while (cfi_parser__step(parser, 10000) > 0)
		;
	assert_int_equal(cfi_parser__finish(parser, &table), 0);
	for (i = 0; i < 4000; i++) {
		const struct unwind_page *page = &table->pages[i * 7919 % table->page_cnt];
		uint64_t address = ((uint64_t)page->number << UNWIND_PAGE_SHIFT) +
				   i * 104729 % UNWIND_PAGE_BYTES;
		uint16_t want = unwind_table__find(table, address),
			 got = fixture__find(fixture, id, address);

		/* rule ids are each store's own */
		assert_memory_equal(unwind_rules__get(rules, want), &fixture->maps.rules[got],
			sizeof(struct unwind_rule));
		cnt += want != UNWIND_RULE_ID_NONE;
	}
	assert_true(cnt > 1000);
	unwind_table__free(table);
	cfi_parser__free(parser);
	unwind_rules__free(rules);
}

static void rows_in_the_kernel_are_those_of_the_file(void **state)
{
	static const char *const paths[] = {"/lib/x86_64-linux-gnu/libc.so.6",
		"/usr/bin/python3.11", "/usr/lib/x86_64-linux-gnu/libstdc++.so.6", "/usr/bin/bash"};
	struct unwind_store_stats stats;
	struct fixture fixture;
	size_t i;

	(void)state;
	fixture__open(&fixture, CHUNK_MAX);
	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		uint32_t id = fixture__file(&fixture, paths[i]);

		fixture__build(&fixture, id);
		assert_int_equal(fixture.maps.files[id].state, UNWIND_READY);
		fixture__compare(&fixture, id);
	}
	unwind_store__stats(fixture.store, &stats);
	assert_int_equal(stats.ready_cnt, i);
	assert_int_equal(stats.queued_cnt, 0);
	fixture__close(&fixture);
}

/* One chunk holds libc and bash, not libstdc++ too. */
static void the_least_recently_used_table_goes(void **state)
{
	struct unwind_store_stats stats;
	struct fixture fixture;
	uint32_t libc, bash, cpp;

	(void)state;
	fixture__open(&fixture, 1);
	libc = fixture__file(&fixture, "/lib/x86_64-linux-gnu/libc.so.6");
	bash = fixture__file(&fixture, "/usr/bin/bash");
	cpp = fixture__file(&fixture, "/usr/lib/x86_64-linux-gnu/libstdc++.so.6");
	fixture__build(&fixture, libc);
	fixture__build(&fixture, bash);
	assert_int_equal(fixture.maps.files[libc].state, UNWIND_READY);
	assert_int_equal(fixture.maps.files[bash].state, UNWIND_READY);
	/* all in use: there is no room, and nobody is thrown out */
	fixture__build(&fixture, cpp);
	assert_int_equal(fixture.maps.files[cpp].state, UNWIND_REFUSED);
	assert_non_null(unwind_store__reason(fixture.store, cpp));
	assert_int_equal(fixture.maps.files[libc].state, UNWIND_READY);
	/* bash goes on being used, libc does not; after a while the third one may be asked for again */
	while (fixture.maps.files[cpp].state != UNWIND_NEW) {
		fixture.maps.files[bash].referenced = 1;
		fixture__turns(&fixture, 1);
		assert_true(fixture.epoch < 200);
	}
	fixture__build(&fixture, cpp);
	assert_int_equal(fixture.maps.files[bash].state, UNWIND_READY);
	assert_int_not_equal(fixture.maps.files[libc].state, UNWIND_READY);
	/* a program of this epoch may still read libc's rows: only the next one may write over them */
	assert_int_not_equal(fixture.maps.files[cpp].state, UNWIND_READY);
	fixture__turns(&fixture, 1);
	assert_int_equal(fixture.maps.files[cpp].state, UNWIND_NEW);
	fixture__build(&fixture, cpp);
	assert_int_equal(fixture.maps.files[cpp].state, UNWIND_READY);
	fixture__compare(&fixture, cpp);
	fixture__compare(&fixture, bash);
	unwind_store__stats(fixture.store, &stats);
	assert_int_equal(stats.evicted_cnt, 1);
	fixture__close(&fixture);
}

static void what_nobody_waits_for_takes_half_at_the_most(void **state)
{
	struct fixture fixture;
	uint32_t libc, bash;

	(void)state;
	fixture__open(&fixture, 1);
	libc = fixture__file(&fixture, "/lib/x86_64-linux-gnu/libc.so.6");
	bash = fixture__file(&fixture, "/usr/lib/x86_64-linux-gnu/libstdc++.so.6");
	fixture__build(&fixture, bash); /* more than half of a chunk */
	unwind_store__request(fixture.store, libc, false);
	while (unwind_store__work(fixture.store, SECOND_NS))
		;
	assert_int_equal(fixture.maps.files[libc].state, UNWIND_NEW);
	fixture__build(&fixture, libc);
	assert_int_not_equal(fixture.maps.files[libc].state, UNWIND_NEW);
	fixture__close(&fixture);
}

static void a_file_without_call_frames_walks_frame_pointers(void **state)
{
	char source[] = "/tmp/test_unwind_store.XXXXXX", command[256];
	struct fixture fixture;
	uint32_t id;

	(void)state;
	assert_non_null(mkdtemp(source));
	snprintf(command, sizeof(command),
		"echo 'int f(void) { return 1; }' | cc -x c -shared -nostdlib -fno-asynchronous-unwind-tables "
		"-Wl,--no-ld-generated-unwind-info -o %s/f.so -",
		source);
	assert_int_equal(system(command), 0);
	snprintf(command, sizeof(command), "%s/f.so", source);
	fixture__open(&fixture, 1);
	id = fixture__file(&fixture, command);
	fixture__build(&fixture, id);
	assert_int_equal(fixture.maps.files[id].state, UNWIND_FRAME_POINTER);
	fixture__close(&fixture);
	unlink(command);
	rmdir(source);
}

/* Everything goes, and its memory with it; what a stack waits for is built again, the rest is not. */
static void saved_memory_is_given_back(void **state)
{
	struct unwind_store_stats stats;
	struct fixture fixture;
	uint32_t libc, bash, cpp;
	uint64_t full_bytes;

	(void)state;
	fixture__open(&fixture, CHUNK_MAX);
	libc = fixture__file(&fixture, "/lib/x86_64-linux-gnu/libc.so.6");
	bash = fixture__file(&fixture, "/usr/bin/bash");
	cpp = fixture__file(&fixture, "/usr/lib/x86_64-linux-gnu/libstdc++.so.6");
	fixture__build(&fixture, libc);
	fixture__build(&fixture, bash);
	fixture__build(&fixture, cpp);
	unwind_store__stats(fixture.store, &stats);
	full_bytes = stats.chunk_bytes;
	unwind_store__save_memory(fixture.store, true);
	fixture__turns(&fixture, 2);
	unwind_store__stats(fixture.store, &stats);
	assert_int_equal(stats.chunk_bytes, 0);
	assert_int_equal(stats.ready_cnt, 0);
	assert_int_equal(stats.evicted_cnt, 3);
	unwind_store__request(fixture.store, bash, false);
	while (unwind_store__work(fixture.store, SECOND_NS))
		;
	assert_int_equal(fixture.maps.files[bash].state, UNWIND_NEW);
	fixture__build(&fixture, libc);
	assert_int_equal(fixture.maps.files[libc].state, UNWIND_READY);
	unwind_store__stats(fixture.store, &stats);
	assert_true(stats.chunk_bytes > 0 && stats.chunk_bytes < full_bytes);
	unwind_store__save_memory(fixture.store, false);
	fixture__build(&fixture, cpp);
	assert_int_equal(fixture.maps.files[cpp].state, UNWIND_READY);
	fixture__compare(&fixture, cpp);
	fixture__compare(&fixture, libc);
	fixture__close(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_in_the_kernel_are_those_of_the_file),
		cmocka_unit_test(the_least_recently_used_table_goes),
		cmocka_unit_test(what_nobody_waits_for_takes_half_at_the_most),
		cmocka_unit_test(saved_memory_is_given_back),
		cmocka_unit_test(a_file_without_call_frames_walks_frame_pointers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
