// SPDX-License-Identifier: GPL-2.0
/* The kernel's copy of the process table: what a stack walk would find in it at any moment. The arrays are plain memory,
 * the one hash map is a real one: needs root. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <cmocka.h>

#include "process/publish.h"

#define PID      5000001u /* above pid_max: no live process is met in /proc */
#define SLICES   32u
#define ROWS     1024u
#define LIVE_MAX 20u

static struct {
	struct publisher_maps maps;
	struct publisher *publisher;
	struct files *files;
	struct processes *table;
} host;

static int setup(void **state)
{
	(void)state;
	if (geteuid())
		return 0;
	memset(&host, 0, sizeof(host));
	host.maps.process_slices_fd = bpf_map_create(
		BPF_MAP_TYPE_HASH, "test_slices", 4, 4, SLICES, NULL);
	if (host.maps.process_slices_fd < 0)
		return -1;
	host.maps.slices = calloc(SLICES, sizeof(*host.maps.slices));
	host.maps.rows = calloc(ROWS, sizeof(*host.maps.rows));
	host.maps.slice_max = SLICES;
	host.maps.row_max = ROWS;
	host.publisher = publisher__new(&host.maps);
	host.files = files__new();
	host.table = processes__new(host.files, true, false);
	return host.publisher && host.files && host.table ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	if (geteuid())
		return 0;
	processes__free(host.table);
	publisher__free(host.publisher);
	files__free(host.files);
	free(host.maps.slices);
	free(host.maps.rows);
	close(host.maps.process_slices_fd);
	return 0;
}

#define NEEDS_ROOT()                                                                               \
	do {                                                                                       \
		if (geteuid())                                                                     \
			skip();                                                                    \
	} while (0)

static void map_at(uint32_t pid, uint64_t start, uint64_t pages, uint64_t time_ns)
{
	struct file_mapping mapping = {
		.path = "", .pid = (pid_t)pid, .start = start, .end = start + pages * 0x1000};

	struct process *process;

	processes__on_mmap(host.table, &mapping, time_ns);
	process = processes__find(host.table, pid);
	/* /proc would tell which image this is; without that nothing is published */
	if (process && !process->image->start_stack)
		process->image->start_stack = process->image->end_code = time_ns;
}

/* What the kernel half sees: the slice of a pid, or NULL. */
static const struct mapping_slice *slice_of(uint32_t pid)
{
	uint32_t index;

	if (bpf_map_lookup_elem(host.maps.process_slices_fd, &pid, &index))
		return NULL;
	assert_in_range(index, 0, SLICES - 1);
	return &host.maps.slices[index];
}

static bool kernel_finds(uint32_t pid, uint64_t addr)
{
	const struct mapping_slice *slice = slice_of(pid);
	uint32_t i;

	if (!slice)
		return false;
	assert_int_equal(slice->seq & 1, 0);
	assert_true(slice->first + slice->cnt <= ROWS);
	for (i = slice->first; i < slice->first + slice->cnt; i++)
		if (addr >= host.maps.rows[i].start && addr < host.maps.rows[i].end)
			return true;
	return false;
}

static int flush(uint64_t now_ns)
{
	return publisher__flush(host.publisher, host.table, now_ns);
}

static void mappings_reach_the_kernel(void **state)
{
	uint32_t seq;

	(void)state;
	NEEDS_ROOT();
	processes__on_fork(host.table, PID, 1, 1000);
	assert_int_equal(flush(1001), -1);
	assert_null(slice_of(PID)); /* nothing to find yet */
	map_at(PID, 0x10000, 1, 1010);
	processes__find(host.table, PID)->image->start_stack = 77;
	processes__find(host.table, PID)->image->end_code = 78;
	assert_int_equal(flush(1011), -1);
	assert_true(kernel_finds(PID, 0x10000));
	assert_int_equal(slice_of(PID)->pid, PID);
	assert_int_equal(slice_of(PID)->start_stack, 77);
	assert_int_equal(slice_of(PID)->end_code, 78);
	seq = slice_of(PID)->seq;
	map_at(PID, 0x20000, 1, 1020);
	assert_false(kernel_finds(PID, 0x20000));
	flush(1021);
	assert_true(kernel_finds(PID, 0x10000) && kernel_finds(PID, 0x20000));
	assert_int_not_equal(slice_of(PID)->seq, seq);
	seq = slice_of(PID)->seq;
	flush(1022); /* nothing changed */
	assert_int_equal(slice_of(PID)->seq, seq);
}

/* A program of the epoch that runs may still hold the rows that were replaced: they stay as they are. */
static void replaced_rows_stay_until_their_epoch_has_ended(void **state)
{
	struct mapping_slice held;
	uint64_t i;

	(void)state;
	NEEDS_ROOT();
	publisher__begin_epoch(host.publisher, 7);
	processes__on_fork(host.table, PID, 1, 1000);
	map_at(PID, 0x10000, 1, 1010);
	flush(1011);
	held = *slice_of(PID);
	for (i = 0; i < 30; i++) {
		processes__on_fork(host.table, PID + 1, 1, 2000 + i * 10);
		map_at(PID, 0x100000 + i * 0x2000, 1, 2000 + i * 10);
		map_at(PID + 1, 0x900000, 1, 2001 + i * 10);
		flush(2002 + i * 10);
		assert_int_equal(host.maps.rows[held.first].start, 0x10000);
		assert_int_equal(host.maps.rows[held.first].end, 0x11000);
	}
	publisher__begin_epoch(host.publisher, 8);
	for (i = 0; i < 60 && host.maps.rows[held.first].start == 0x10000; i++) {
		map_at(PID + 1, 0x900000, 1, 3000 + i);
		flush(3001 + i);
	}
	assert_int_not_equal(
		host.maps.rows[held.first].start, 0x10000); /* and are used again then */
}

static void the_dead_leave_the_kernel(void **state)
{
	(void)state;
	NEEDS_ROOT();
	processes__on_fork(host.table, PID, 1, 1000);
	map_at(PID, 0x10000, 1, 1010);
	flush(1011);
	processes__on_exit(host.table, PID, PID, 2000);
	flush(2001);
	assert_true(kernel_finds(PID, 0x10000)); /* its last samples */
	processes__forget(host.table, 2001, 2001, publisher__drop, host.publisher);
	assert_null(slice_of(PID));
}

static void the_next_owner_of_a_pid_keeps_its_slice(void **state)
{
	(void)state;
	NEEDS_ROOT();
	processes__on_fork(host.table, PID, 1, 1000);
	map_at(PID, 0x10000, 1, 1010);
	flush(1011);
	processes__on_exit(host.table, PID, PID, 2000);
	processes__on_fork(host.table, PID, 1, 3000);
	map_at(PID, 0x30000, 1, 3010);
	flush(3011);
	assert_true(kernel_finds(PID, 0x30000));
	assert_false(kernel_finds(PID, 0x10000));
	processes__forget(host.table, 2500, 3012, publisher__drop, host.publisher);
	assert_true(kernel_finds(PID, 0x30000));
}

static void what_finds_no_room_is_counted_and_room_comes_back(void **state)
{
	uint64_t time_ns = 1000, full;
	uint32_t i;

	(void)state;
	NEEDS_ROOT();
	for (i = 0; i < SLICES + 5; i++) {
		processes__on_fork(host.table, PID + i, 1, time_ns += 10);
		map_at(PID + i, 0x10000, 1, time_ns);
		flush(time_ns);
	}
	full = publisher__full_cnt(host.publisher);
	assert_int_equal(full, 5);
	assert_true(kernel_finds(PID, 0x10000));
	assert_false(kernel_finds(PID + SLICES, 0x10000));
	for (i = 0; i < SLICES + 5; i++)
		processes__on_exit(host.table, PID + i, PID + i, time_ns += 10);
	flush(time_ns);
	processes__forget(host.table, time_ns + 1, time_ns + 1, publisher__drop, host.publisher);
	publisher__begin_epoch(host.publisher, 1);
	for (i = 0; i < SLICES; i++) {
		processes__on_fork(host.table, PID + i, 1, time_ns += 10);
		map_at(PID + i, 0x10000, 1, time_ns);
		flush(time_ns);
		assert_true(kernel_finds(PID + i, 0x10000));
	}
	assert_int_equal(publisher__full_cnt(host.publisher), full);
}

/* Random processes: at any moment each slice holds the newest image's rows, of its process and no other. */
static void a_long_life(void **state)
{
	uint64_t time_ns = 1000, last_turn = 1000, steps;
	uint32_t epoch = 0;
	unsigned int seed = 17;

	(void)state;
	NEEDS_ROOT();
	for (steps = 0; steps < 20000; steps++) {
		uint32_t pid = PID + (uint32_t)rand_r(&seed) % LIVE_MAX, i;
		/* every process maps at addresses of its own */
		uint64_t addr = (uint64_t)(pid - PID + 1) << 32 | (uint64_t)(rand_r(&seed) % 20)
									  << 12;
		struct process *process = processes__find(host.table, pid);

		time_ns += 10;
		switch (rand_r(&seed) % 10) {
		case 0:
			if (!process || process->end_ns)
				processes__on_fork(host.table, pid, 1, time_ns);
			break;
		case 1:
			processes__on_exit(host.table, pid, pid, time_ns);
			break;
		case 2:
			processes__on_exec(host.table, pid, time_ns);
			break;
		case 3:
			flush(time_ns);
			processes__forget(
				host.table, last_turn, time_ns, publisher__drop, host.publisher);
			publisher__begin_epoch(host.publisher, ++epoch);
			last_turn = time_ns;
			break;
		default:
			map_at(pid, addr, 1, time_ns);
			break;
		}
		if (rand_r(&seed) % 3)
			continue;
		flush(time_ns);
		for (i = 0; i < LIVE_MAX; i++) {
			const struct mapping_slice *slice = slice_of(PID + i);
			uint32_t row;

			process = processes__find(host.table, PID + i);
			if (!slice || !process || process->end_ns || !process->image->row_cnt)
				continue;
			assert_int_equal(slice->pid, PID + i);
			assert_int_equal(slice->cnt, process->image->row_cnt);
			for (row = 0; row < slice->cnt; row++) {
				assert_int_equal(
					host.maps.rows[slice->first + row].start >> 32, i + 1);
				assert_memory_equal(&host.maps.rows[slice->first + row],
					&process->image->rows[row], sizeof(struct mapping_row));
			}
		}
	}
	assert_int_equal(publisher__full_cnt(host.publisher), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(mappings_reach_the_kernel, setup, teardown),
		cmocka_unit_test_setup_teardown(
			replaced_rows_stay_until_their_epoch_has_ended, setup, teardown),
		cmocka_unit_test_setup_teardown(the_dead_leave_the_kernel, setup, teardown),
		cmocka_unit_test_setup_teardown(
			the_next_owner_of_a_pid_keeps_its_slice, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_finds_no_room_is_counted_and_room_comes_back, setup, teardown),
		cmocka_unit_test_setup_teardown(a_long_life, setup, teardown),
	};

	return cmocka_run_group_tests_name("process_publish", tests, NULL, NULL);
}
