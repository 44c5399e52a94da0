// SPDX-License-Identifier: GPL-2.0
/* A process with more mappings than are read of one, where vm.max_map_count was raised: /proc is faked here. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "process/proc.h"
#include "process/process.h"

#define PID 5000001u

/* Instead of user/process/proc.c's. */
int proc_maps__each_exec(pid_t pid, int (*fn)(const struct proc_mapping *, void *), void *arg)
{
	struct proc_mapping mapping = {.path = "", .is_exec = true};
	uint64_t i;

	(void)pid;
	for (i = 1; i <= 100; i++) {
		mapping.start = i * 0x2000;
		mapping.end = mapping.start + 0x1000;
		if (fn(&mapping, arg))
			return -EINVAL;
	}
	return -E2BIG;
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_read_of_it_is_kept),
	};

	return cmocka_run_group_tests_name("process_many_mappings", tests, NULL, NULL);
}
