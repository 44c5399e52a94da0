// SPDX-License-Identifier: GPL-2.0
/* Processes with very many mappings, where vm.max_map_count was raised: /proc is faked here. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "process/proc.h"
#include "process/process.h"
#include "process/reread.h"

#define PID    5000001u
#define MANY   10000u
#define STRIDE 0x2000ull

/* PID maps the page at each (1 .. line_cnt) * STRIDE, of which is_past_cap says that they are not all. */
static struct {
	uint64_t line_cnt;
	bool is_past_cap;
} proc;

/* Instead of user/process/proc.c's. */
struct proc_maps {
	uint64_t next;
};

int proc_maps__open(pid_t pid, struct proc_maps **ret)
{
	(void)pid;
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : -ENOMEM;
}

void proc_maps__close(struct proc_maps *maps)
{
	free(maps);
}

int proc_maps__read(struct proc_maps *maps, uint32_t line_max,
	int (*fn)(const struct proc_mapping *, void *), void *arg)
{
	struct proc_mapping mapping = {.path = "", .is_exec = true};

	while (line_max--) {
		if (maps->next == proc.line_cnt)
			return proc.is_past_cap ? -E2BIG : 0;
		mapping.start = ++maps->next * STRIDE;
		mapping.end = mapping.start + 0x1000;
		if (fn(&mapping, arg))
			return -EINVAL;
	}
	return 1;
}

int proc_stat__read(pid_t pid, struct proc_stat *ret)
{
	(void)pid;
	*ret = (struct proc_stat){.state = 'R', .thread_cnt = 1, .start_stack = 1, .end_code = 1};
	return 0;
}

static void what_was_read_of_it_is_kept(void **state)
{
	struct files *files = files__new();
	struct processes *processes = processes__new(files, true, false);
	struct process *process;

	(void)state;
	proc.line_cnt = 100;
	proc.is_past_cap = true;
	assert_int_equal(processes__scan(processes, PID, 1000), 0);
	/* nothing on the list of those to be published is freed memory */
	for (process = processes->listed; process; process = process->next_listed)
		assert_int_equal(process->pid, PID);
	process = processes__find(processes, PID);
	assert_non_null(process);
	assert_int_equal(process->image->row_cnt, 100);
	processes__free(processes);
	files__free(files);
}

static struct {
	struct files *files;
	struct processes *processes;
	struct process *process;
} table;

/* Of which the first lines have been read, and the rest is wanted. */
static int setup_reread(void **state)
{
	(void)state;
	proc.line_cnt = MANY;
	proc.is_past_cap = false;
	table.files = files__new();
	table.processes = processes__new(table.files, true, false);
	assert_int_equal(processes__scan_shortly(table.processes, PID, 1000), 0);
	table.process = processes__find(table.processes, PID);
	assert_non_null(table.process);
	assert_in_range(table.process->image->row_cnt, 1, MANY - 1);
	return 0;
}

static int teardown_reread(void **state)
{
	(void)state;
	processes__free(table.processes);
	files__free(table.files);
	return 0;
}

static void map_at(uint64_t addr)
{
	struct file_mapping mapping = {
		.path = "", .pid = (pid_t)PID, .start = addr, .end = addr + 0x1000};

	processes__on_mmap(table.processes, &mapping, UINT64_MAX);
}

static bool is_mapped(uint64_t addr)
{
	return image__find(table.process->image, addr) != NULL;
}

static void what_one_look_does_not_read_is_read_in_pieces(void **state)
{
	uint32_t steps = 1;

	(void)state;
	assert_false(is_mapped(MANY * STRIDE));
	while (rereads__step(table.processes, 0))
		steps++;
	assert_true(steps > 10);
	assert_int_equal(table.process->image->row_cnt, MANY);
	assert_true(is_mapped(STRIDE) && is_mapped(MANY * STRIDE));
	assert_int_equal(rereads__step(table.processes, 0), 0);
}

static void what_is_mapped_meanwhile_stays_and_what_is_not_any_more_goes(void **state)
{
	uint64_t early = STRIDE + 0x1000, late = MANY * STRIDE + 0x1000, gone = early + STRIDE;
	uint32_t step;

	(void)state;
	map_at(gone); /* and unmapped before it is read */
	for (step = 0; step < 20; step++)
		assert_int_equal(rereads__step(table.processes, 0), 1);
	map_at(early); /* behind the reader */
	map_at(late); /* ahead of it: whether /proc has it when it gets there is for /proc to tell */
	assert_true(is_mapped(gone) && is_mapped(early) && is_mapped(late));
	while (rereads__step(table.processes, 0))
		assert_true(is_mapped(gone)); /* the old rows serve until all is read */
	assert_true(is_mapped(early));
	assert_false(is_mapped(gone));
	assert_false(is_mapped(late));
	assert_int_equal(table.process->image->row_cnt, MANY + 1);
}

static void an_exec_ends_it(void **state)
{
	(void)state;
	assert_int_equal(rereads__step(table.processes, 0), 1);
	processes__on_exec(table.processes, PID, 2000);
	assert_int_equal(rereads__step(table.processes, 0), 0);
	assert_int_equal(table.process->image->row_cnt, 0);
	assert_true(table.process->image->older->row_cnt > 0);
}

static void drop(struct process *process, void *arg)
{
	(void)process;
	(void)arg;
}

static void a_process_that_is_forgotten_is_read_no_more(void **state)
{
	bool is_under_way = *(bool *)*state;

	if (is_under_way)
		assert_int_equal(rereads__step(table.processes, 0), 1);
	table.process->end_ns = 2000;
	processes__forget(table.processes, 3000, 3000, drop, NULL);
	assert_null(processes__find(table.processes, PID));
	assert_int_equal(rereads__step(table.processes, 0), 0);
}

#define REREAD_TEST(test, state)                                                                   \
	cmocka_unit_test_prestate_setup_teardown(test, setup_reread, teardown_reread, state)

int main(void)
{
	static bool yes = true, no = false;

	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_read_of_it_is_kept),
		REREAD_TEST(what_one_look_does_not_read_is_read_in_pieces, NULL),
		REREAD_TEST(what_is_mapped_meanwhile_stays_and_what_is_not_any_more_goes, NULL),
		REREAD_TEST(an_exec_ends_it, NULL),
		REREAD_TEST(a_process_that_is_forgotten_is_read_no_more, &no),
		REREAD_TEST(a_process_that_is_forgotten_is_read_no_more, &yes),
	};

	return cmocka_run_group_tests_name("process_many_mappings", tests, NULL, NULL);
}
