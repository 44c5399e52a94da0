// SPDX-License-Identifier: GPL-2.0
/* The process table through fork, exec, mmap, exit and reuse of pids, as the kernel reports them. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "process/scan.h"

/* pids above pid_max's largest value: no live process of this host is met in /proc */
#define PID    5000001u
#define PARENT 5000002u
#define OTHER  5000003u

static struct processes *table;
static struct files *files;

static int setup_with(bool track_all, bool follow)
{
	files = files__new();
	table = processes__new(files, track_all, follow);
	return files && table ? 0 : -1;
}

static int setup(void **state)
{
	(void)state;
	return setup_with(true, false);
}

static int setup_follow(void **state)
{
	(void)state;
	return setup_with(false, true);
}

static int setup_named(void **state)
{
	(void)state;
	return setup_with(false, false);
}

static int teardown(void **state)
{
	(void)state;
	processes__free(table);
	files__free(files);
	return 0;
}

static void map(uint32_t pid, uint64_t start, uint64_t pages, uint64_t time_ns)
{
	struct file_mapping mapping = {
		.path = "", .pid = (pid_t)pid, .start = start, .end = start + pages * 0x1000};

	processes__on_mmap(table, &mapping, time_ns);
}

static bool is_mapped(uint32_t pid, uint64_t start_ns, uint64_t time_ns, uint64_t addr)
{
	struct process *process = processes__find_started(table, pid, start_ns);

	assert_non_null(process);
	return image__find(process__image_at(process, time_ns), addr);
}

/* What publisher__flush() does to the list. */
static void flush(void)
{
	struct process *process, *next;

	for (process = table->listed; process; process = next) {
		next = process->next_listed;
		process->is_listed = false;
	}
	table->listed = NULL;
}

static void note_drop(struct process *process, void *arg)
{
	assert_non_null(process);
	++*(int *)arg;
}

static int forget(uint64_t before_ns)
{
	int cnt = 0;

	flush();
	processes__forget(table, before_ns, before_ns, note_drop, &cnt);
	return cnt;
}

static void a_fork_inherits_the_mappings(void **state)
{
	struct process *parent, *child;

	(void)state;
	processes__on_fork(table, PARENT, 1, 1000);
	map(PARENT, 0x10000, 4, 1010);
	parent = processes__find(table, PARENT);
	parent->image->start_stack = 77;
	parent->image->end_code = 78;
	processes__on_fork(table, PID, PARENT, 2000);
	child = processes__find(table, PID);
	assert_int_equal(child->start_ns, 2000);
	assert_int_equal(child->image->start_stack, 77);
	assert_int_equal(child->image->end_code, 78);
	assert_true(child->is_dirty && child->is_listed);
	assert_true(is_mapped(PID, 2000, 2000, 0x10000));
	/* each is on its own from then on */
	map(PARENT, 0x50000, 1, 2010);
	map(PID, 0x60000, 1, 2020);
	assert_false(is_mapped(PID, 2000, 3000, 0x50000));
	assert_false(is_mapped(PARENT, 1000, 3000, 0x60000));
}

static void an_exec_begins_a_new_image(void **state)
{
	(void)state;
	processes__on_fork(table, PID, 1, 1000);
	map(PID, 0x10000, 1, 1010);
	processes__on_exec(table, PID, 2000);
	map(PID, 0x20000, 1, 2010);
	processes__on_exec(table, PID, 3000);
	map(PID, 0x30000, 1, 3010);
	assert_true(is_mapped(PID, 1000, 1500, 0x10000));
	assert_false(is_mapped(PID, 1000, 1500, 0x20000));
	assert_true(is_mapped(PID, 1000, 2000, 0x20000)); /* from the exec on */
	assert_false(is_mapped(PID, 1000, 2999, 0x10000));
	assert_true(is_mapped(PID, 1000, UINT64_MAX, 0x30000));
	assert_true(is_mapped(PID, 1000, 1, 0x10000)); /* older than all: the oldest known */
}

static void images_stay_until_no_sample_can_be_of_them(void **state)
{
	(void)state;
	processes__on_fork(table, PID, 1, 1000);
	map(PID, 0x10000, 1, 1010);
	processes__on_exec(table, PID, 2000);
	map(PID, 0x20000, 1, 2010);
	processes__on_exec(table, PID, 3000);
	assert_int_equal(forget(1999), 0);
	assert_true(is_mapped(PID, 1000, 1500, 0x10000));
	/* at 2500 the second image ran: the first is over */
	assert_int_equal(forget(2500), 0);
	assert_true(is_mapped(PID, 1000, 2500, 0x20000));
	assert_false(is_mapped(PID, 1000, 1500, 0x10000));
	assert_int_equal(forget(3001), 0);
	assert_null(processes__find(table, PID)->image->older);
}

static void an_exited_process_stays_until_its_samples_are_drained(void **state)
{
	(void)state;
	processes__on_fork(table, PID, 1, 1000);
	map(PID, 0x10000, 1, 1010);
	processes__on_exit(table, PID, PID, 2000);
	assert_int_equal(processes__find(table, PID)->end_ns, 2000);
	assert_int_equal(forget(2000), 0);
	assert_true(is_mapped(PID, 1000, 1999, 0x10000));
	assert_int_equal(forget(2001), 1);
	assert_null(processes__find(table, PID));
	assert_int_equal(processes__cnt(table), 0);
}

static void a_pid_has_one_owner_after_another(void **state)
{
	uint64_t i;

	(void)state;
	for (i = 1; i <= 5; i++) {
		processes__on_fork(table, PID, 1, i * 1000);
		map(PID, 0x10000 * i, 1, i * 1000 + 10);
		if (i != 3) /* one exit was lost */
			processes__on_exit(table, PID, PID, i * 1000 + 500);
	}
	assert_int_equal(processes__cnt(table), 1);
	for (i = 1; i <= 5; i++) {
		/* start_boottime is a little before the event's time */
		struct process *process = processes__find_started(table, PID, i * 1000 - 1);

		assert_int_equal(process->start_ns, i * 1000);
		assert_true(is_mapped(PID, i * 1000 - 1, i * 1000 + 400, 0x10000 * i));
	}
	assert_int_equal(processes__find_started(table, PID, 3000)->end_ns, 4000);
	assert_int_equal(forget(2501), 2);
	assert_int_equal(processes__find_started(table, PID, 999)->start_ns, 3000);
	assert_int_equal(forget(UINT64_MAX), 3);
	assert_null(processes__find(table, PID));
}

static void a_later_owner_that_ends_first_in_the_books_stays_in_order(void **state)
{
	(void)state;
	processes__on_fork(table, PID, 1, 1000);
	processes__on_fork(table, PID, 1, 2000); /* ends the first */
	processes__on_exit(table, PID, PID, 2500);
	assert_int_equal(forget(2200), 1);
	assert_int_equal(processes__find_started(table, PID, 1)->start_ns, 2000);
	assert_int_equal(forget(2501), 1);
	assert_int_equal(processes__cnt(table), 0);
}

static void threads_are_no_processes(void **state)
{
	(void)state;
	processes__on_fork(table, PID, 1, 1000);
	processes__on_fork(table, PID, PID, 1100);
	processes__on_exit(table, PID, PID + 9, 1200); /* a thread that is not the leader */
	assert_int_equal(processes__find(table, PID)->start_ns, 1000);
	assert_int_equal(processes__find(table, PID)->end_ns, 0);
}

static void events_after_the_end_change_nothing(void **state)
{
	(void)state;
	processes__on_fork(table, PID, 1, 1000);
	processes__on_exit(table, PID, PID, 2000);
	processes__on_exit(table, PID, PID, 3000);
	processes__on_exec(table, PID, 3000);
	map(PID, 0x10000, 1, 3000);
	assert_int_equal(processes__find(table, PID)->end_ns, 2000);
	assert_false(is_mapped(PID, 1000, 3000, 0x10000));
	processes__on_exit(table, OTHER, OTHER, 3000);
	assert_null(processes__find(table, OTHER));
}

static void only_named_processes_and_with_follow_their_children(void **state)
{
	bool follow = table->follow_children;

	(void)state;
	processes__on_fork(table, PID, PARENT, 1000);
	assert_null(processes__find(table, PID));
	assert_int_equal(processes__scan(table, (uint32_t)getpid(), 5000), 0);
	processes__on_fork(table, PID, (uint32_t)getpid(), 6000);
	assert_int_equal(processes__find(table, PID) != NULL, follow);
	processes__on_fork(table, OTHER, PID, 7000);
	assert_int_equal(processes__find(table, OTHER) != NULL, follow);
}

/* ---- live processes ---- */

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

static void a_scan_reads_what_runs(void **state)
{
	uint64_t before = now_ns();
	struct process *self;
	const struct mapping_row *row;

	(void)state;
	assert_int_equal(processes__scan(table, (uint32_t)getpid(), before), 0);
	self = processes__find(table, (uint32_t)getpid());
	assert_non_null(self);
	assert_true(self->start_ns <= before + 10000000);
	assert_int_not_equal(self->image->start_stack, 0);
	row = image__find(self->image, (uint64_t)(uintptr_t)a_scan_reads_what_runs);
	assert_non_null(row);
	assert_int_not_equal(row->file_id, 0);
	/* events that were written before the scan are in it already */
	map((uint32_t)getpid(), (uint64_t)(uintptr_t)a_scan_reads_what_runs & ~0xfffull, 1,
		before - 1);
	assert_int_not_equal(
		image__find(self->image, (uint64_t)(uintptr_t)a_scan_reads_what_runs)->file_id, 0);
	processes__on_fork(table, (uint32_t)getpid(), 1, before - 1);
	assert_ptr_equal(processes__find(table, (uint32_t)getpid()), self);
	assert_int_equal(processes__scan(table, PID, before), -ESRCH);
}

static void a_scan_again_adds_and_keeps_the_owner(void **state)
{
	struct process *self;
	uint32_t rows;

	(void)state;
	assert_int_equal(processes__scan(table, (uint32_t)getpid(), now_ns()), 0);
	self = processes__find(table, (uint32_t)getpid());
	rows = self->image->row_cnt;
	assert_int_equal(processes__scan(table, (uint32_t)getpid(), now_ns()), 0);
	assert_ptr_equal(processes__find(table, (uint32_t)getpid()), self);
	assert_int_equal(self->image->row_cnt, rows);
	assert_int_equal(processes__cnt(table), 1);
}

static void a_scan_of_all_finds_us_and_no_kernel_thread(void **state)
{
	(void)state;
	assert_int_equal(processes__scan_all(table), 0);
	assert_non_null(processes__find(table, (uint32_t)getpid()));
	assert_non_null(processes__find(table, (uint32_t)getppid()));
	assert_null(processes__find(table, 2)); /* kthreadd, or nobody */
}

static void a_pass_in_slices_ends_those_that_it_does_not_meet(void **state)
{
	struct process_scan scan = {0};
	unsigned int steps = 1;

	(void)state;
	assert_int_equal(process_scan__step(&scan, table, 0), 0); /* nothing was wanted */
	processes__on_fork(table, PID, 1, 1000);
	map(PID, 0x10000, 1, 1010);
	process_scan__want(&scan);
	assert_int_equal(process_scan__step(&scan, table, 0), 1);
	assert_int_equal(processes__find(table, PID)->end_ns, 0);
	processes__on_fork(table, OTHER, 1, 2000); /* meanwhile */
	while (process_scan__step(&scan, table, 0))
		steps++;
	assert_true(steps > 2);
	assert_int_not_equal(processes__find(table, PID)->end_ns, 0);
	assert_int_equal(processes__find(table, OTHER)->end_ns, 0);
	assert_non_null(processes__find(table, (uint32_t)getpid()));
	/* one that is given up half-way */
	process_scan__want(&scan);
	assert_int_equal(process_scan__step(&scan, table, 0), 1);
	process_scan__destroy(&scan);
}

static void lost_forks_are_made_up_for(void **state)
{
	(void)state;
	/* the first that we hear of this process is a mapping */
	map((uint32_t)getpid(), 0x10000, 1, now_ns() + 1000000000);
	assert_non_null(processes__find(table, (uint32_t)getpid()));
	assert_true(is_mapped((uint32_t)getpid(), 0, UINT64_MAX, 0x10000));
}

static void *linger(void *arg)
{
	char byte = 'x';

	/* the leader is a zombie when this is written */
	usleep(50000);
	if (write(*(int *)arg, &byte, 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

/* Starts a process whose leader has exited and whose other thread goes on. */
static pid_t start_leaderless(void)
{
	static int ends[2]; /* the leader's stack may go with it */
	pid_t child;
	char byte;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (!child) {
		pthread_t thread;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (pthread_create(&thread, NULL, linger, &ends[1]))
			_exit(1);
		pthread_exit(NULL);
	}
	assert_int_equal(read(ends[0], &byte, 1), 1);
	close(ends[0]);
	close(ends[1]);
	return child;
}

static void end(pid_t child)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static void a_process_outlives_its_leader(void **state)
{
	uint64_t before = now_ns();
	struct process *process;
	pid_t child;

	(void)state;
	processes__scan(table, (uint32_t)getpid(), before);
	child = start_leaderless();
	processes__on_fork(table, (uint32_t)child, (uint32_t)getpid(), now_ns());
	process = processes__find(table, (uint32_t)child);
	processes__on_exit(table, (uint32_t)child, (uint32_t)child, now_ns());
	assert_true(process->leader_exited);
	assert_int_equal(process->end_ns, 0);
	map((uint32_t)child, 0x10000, 1, now_ns());
	assert_true(is_mapped((uint32_t)child, now_ns(), now_ns(), 0x10000));
	end(child);
	processes__on_exit(table, (uint32_t)child, (uint32_t)child + 1, now_ns());
	assert_int_not_equal(process->end_ns, 0);
}

/* Attached to after its leader has exited: /proc/PID/stat tells nothing of the image any more, /proc/PID/task/TID/stat does. */
static void a_scan_of_a_process_without_leader_knows_its_image(void **state)
{
	pid_t child = start_leaderless();
	struct process *process;

	(void)state;
	assert_int_equal(processes__scan(table, (uint32_t)child, now_ns()), 0);
	process = processes__find(table, (uint32_t)child);
	end(child);
	assert_non_null(process);
	assert_true(process->leader_exited);
	assert_true(process->image->row_cnt > 0);
	assert_int_not_equal(process->image->start_stack, 0);
	assert_int_not_equal(process->image->end_code, 0);
}

/* A thread that is not the leader calls exec: the leader is killed, the caller takes its pid. By the time the daemon
 * hears of it, one thread is left. */
static void an_exec_by_another_thread_is_no_exit(void **state)
{
	uint32_t pid;
	pid_t child = fork();

	(void)state;
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	pid = (uint32_t)child;
	assert_int_equal(processes__scan(table, (uint32_t)getpid(), now_ns()), 0);
	processes__on_fork(table, pid, (uint32_t)getpid(), now_ns());
	assert_int_equal(processes__scan(table, pid, now_ns()), 0);
	processes__on_exit(table, pid, pid, now_ns()); /* the old leader */
	processes__on_exec(table, pid, now_ns());
	map(pid, 0x10000, 1, now_ns());
	assert_true(is_mapped(pid, now_ns(), now_ns(), 0x10000));
	assert_int_equal(processes__find(table, pid)->end_ns, 0);
	end(child);
}

static void forget_does_not_need_a_flush_before(void **state)
{
	int cnt = 0;

	(void)state;
	processes__on_fork(table, PID, 1, 1000);
	map(PID, 0x10000, 1, 1010); /* listed, to be published */
	processes__on_exit(table, PID, PID, 2000);
	processes__forget(table, 3000, 3000, note_drop, &cnt);
	assert_true(cnt == 0 || !table->listed);
}

static void files_of_rows_are_marked(void **state)
{
	bool is_mapped_file[4] = {false};
	struct process *process;

	(void)state;
	processes__on_fork(table, PID, PARENT, 10);
	process = processes__find(table, PID);
	image__map(process->image, &(struct mapping_row){0x1000, 0x2000, 0, 1, 0});
	processes__on_exec(table, PID, 20);
	image__map(process->image, &(struct mapping_row){0x1000, 0x2000, 0, 3, 0});
	image__map(process->image,
		&(struct mapping_row){0x3000, 0x4000, 0, 9, 0}); /* newer than the count */
	processes__mark_files(table, is_mapped_file, 3);
	assert_true(is_mapped_file[1] && !is_mapped_file[2] && is_mapped_file[3]);
	forget(30); /* the image before the exec */
	memset(is_mapped_file, 0, sizeof(is_mapped_file));
	processes__mark_files(table, is_mapped_file, 3);
	assert_true(!is_mapped_file[1] && is_mapped_file[3]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_fork_inherits_the_mappings, setup, teardown),
		cmocka_unit_test_setup_teardown(an_exec_begins_a_new_image, setup, teardown),
		cmocka_unit_test_setup_teardown(
			images_stay_until_no_sample_can_be_of_them, setup, teardown),
		cmocka_unit_test_setup_teardown(
			an_exited_process_stays_until_its_samples_are_drained, setup, teardown),
		cmocka_unit_test_setup_teardown(a_pid_has_one_owner_after_another, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_later_owner_that_ends_first_in_the_books_stays_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(threads_are_no_processes, setup, teardown),
		cmocka_unit_test_setup_teardown(
			events_after_the_end_change_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(only_named_processes_and_with_follow_their_children,
			setup_follow, teardown),
		cmocka_unit_test_setup_teardown(
			only_named_processes_and_with_follow_their_children, setup_named, teardown),
		cmocka_unit_test_setup_teardown(a_scan_reads_what_runs, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_scan_again_adds_and_keeps_the_owner, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_scan_of_all_finds_us_and_no_kernel_thread, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_pass_in_slices_ends_those_that_it_does_not_meet, setup, teardown),
		cmocka_unit_test_setup_teardown(lost_forks_are_made_up_for, setup, teardown),
		cmocka_unit_test_setup_teardown(a_process_outlives_its_leader, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_scan_of_a_process_without_leader_knows_its_image, setup, teardown),
		cmocka_unit_test_setup_teardown(
			an_exec_by_another_thread_is_no_exit, setup_follow, teardown),
		cmocka_unit_test_setup_teardown(files_of_rows_are_marked, setup, teardown),
		cmocka_unit_test_setup_teardown(
			forget_does_not_need_a_flush_before, setup, teardown),
	};

	return cmocka_run_group_tests_name("process_table", tests, NULL, NULL);
}
