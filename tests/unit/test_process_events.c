// SPDX-License-Identifier: GPL-2.0
/* The kernel's process events as this kernel writes them, applied to the process table. Needs root. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "process/events.h"

static struct files *files;
static struct processes *table;
static struct process_events *events;

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

static int setup_with(bool track_all)
{
	const char *reason;

	if (geteuid())
		return 0;
	files = files__new();
	table = processes__new(files, track_all, true);
	if (!files || !table || process_events__open(&events, &reason))
		return -1;
	return processes__scan(table, (uint32_t)getpid(), now_ns());
}

static int setup(void **state)
{
	(void)state;
	return setup_with(false);
}

static int setup_all(void **state)
{
	(void)state;
	return setup_with(true);
}

static int teardown(void **state)
{
	(void)state;
	if (geteuid())
		return 0;
	process_events__close(events);
	processes__free(table);
	files__free(files);
	return 0;
}

#define NEEDS_ROOT()                                                                               \
	do {                                                                                       \
		if (geteuid())                                                                     \
			skip();                                                                    \
	} while (0)

static void drain(void)
{
	bool is_more;

	do
		assert_int_equal(process_events__drain(events, table, &is_more), 0);
	while (is_more);
}

static void forks_and_exits_are_told(void **state)
{
	struct process *process;
	int status;
	pid_t child;

	(void)state;
	NEEDS_ROOT();
	child = fork();
	if (!child)
		_exit(3);
	waitpid(child, &status, 0);
	drain();
	process = processes__find(table, (uint32_t)child);
	assert_non_null(process);
	assert_true(process->start_ns <= process->end_ns && process->end_ns <= now_ns());
	assert_non_null(image__find(process->image, (uint64_t)(uintptr_t)forks_and_exits_are_told));
}

static void an_exec_is_a_new_image(void **state)
{
	struct process *process;
	const struct file *file;
	pid_t child;
	uint32_t i, with_file = 0;

	(void)state;
	NEEDS_ROOT();
	child = fork();
	if (!child) {
		execl("/bin/true", "true", NULL);
		_exit(127);
	}
	waitpid(child, NULL, 0);
	drain();
	process = processes__find(table, (uint32_t)child);
	assert_non_null(process);
	assert_non_null(process->image->older);
	assert_null(image__find(process->image, (uint64_t)(uintptr_t)an_exec_is_a_new_image));
	assert_non_null(
		image__find(process->image->older, (uint64_t)(uintptr_t)an_exec_is_a_new_image));
	assert_true(process->image->from_ns > process->start_ns);
	for (i = 0; i < process->image->row_cnt; i++) {
		file = files__get(files, process->image->rows[i].file_id);
		with_file += file && file->kind == FILE_ELF;
	}
	assert_in_range(with_file, 3, 10); /* true, ld.so, libc */
}

/* Maps a copy of our own program under a name, and looks up what the table makes of it. */
static const struct file *file_of_mapping(const char *path, bool unlink_first, int memfd)
{
	int from = open("/proc/self/exe", O_RDONLY),
	    to = memfd >= 0 ? memfd : open(path, O_CREAT | O_RDWR, 0755);
	const struct mapping_row *row;
	const struct file *file;
	char bytes[65536];
	ssize_t n;
	void *memory;

	assert_true(from >= 0 && to >= 0);
	while ((n = read(from, bytes, sizeof(bytes))) > 0)
		assert_int_equal(write(to, bytes, (size_t)n), n);
	close(from);
	if (unlink_first)
		unlink(path);
	memory = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, to, 0);
	assert_true(memory != MAP_FAILED);
	drain();
	row = image__find(
		processes__find(table, (uint32_t)getpid())->image, (uint64_t)(uintptr_t)memory);
	assert_non_null(row);
	file = files__get(files, row->file_id);
	munmap(memory, 4096);
	close(to);
	return file;
}

static void files_of_mappings_are_known_by_any_name(void **state)
{
	static const char *const names[] = {"plain", "new\nline", "back\\012slash", "x (deleted)"};
	char dir[] = "/tmp/test_process_events.XXXXXX", path[128];
	size_t i;

	(void)state;
	NEEDS_ROOT();
	assert_non_null(mkdtemp(dir));
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		assert_non_null(file_of_mapping(path, false, -1));
		unlink(path);
	}
	assert_non_null(file_of_mapping(strcat(strcpy(path, dir), "/gone"), true, -1));
	rmdir(dir);
	/* all of them are one program */
	assert_non_null(file_of_mapping("", false, memfd_create("from-memory", 0)));
}

static void other_memory_that_becomes_executable(void **state)
{
	void *memory;
	const struct mapping_row *row;

	(void)state;
	NEEDS_ROOT();
	memory = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	drain();
	assert_null(image__find(
		processes__find(table, (uint32_t)getpid())->image, (uint64_t)(uintptr_t)memory));
	assert_int_equal(mprotect(memory, 4096, PROT_READ | PROT_EXEC), 0);
	drain();
	row = image__find(
		processes__find(table, (uint32_t)getpid())->image, (uint64_t)(uintptr_t)memory);
	assert_non_null(row);
	assert_int_equal(row->file_id, 0);
	munmap(memory, 8192);
}

static void *run_thread(void *arg)
{
	return arg;
}

static void *run_long(void *arg)
{
	(void)arg;
	pause();
	return NULL;
}

/* Whichever thread goes last, and however early the daemon hears of it. */
static void processes_of_several_threads_end(void **state)
{
	enum { CNT = 200 };
	pid_t pids[CNT];
	uint32_t i, alive = 0;

	(void)state;
	NEEDS_ROOT();
	for (i = 0; i < CNT; i++) {
		pids[i] = fork();
		if (!pids[i]) {
			pthread_t threads[3];
			int t;

			for (t = 0; t < 3; t++)
				pthread_create(&threads[t], NULL, t ? run_long : run_thread, NULL);
			if (i % 3 == 0)
				pthread_exit(NULL);
			exit(0);
		}
		drain(); /* while it runs and ends */
		if (i % 3 == 0) {
			usleep(2000);
			drain();
			kill(pids[i], 9);
		}
		drain();
		waitpid(pids[i], NULL, i % 2 ? WNOHANG : 0);
		drain();
	}
	for (i = 0; i < CNT; i++)
		waitpid(pids[i], NULL, 0);
	drain();
	processes__forget(table, 1, now_ns(), NULL, NULL);
	for (i = 0; i < CNT; i++) {
		struct process *process = processes__find(table, (uint32_t)pids[i]);

		assert_non_null(process);
		alive += !process->end_ns;
	}
	if (alive)
		fail_msg("%u of %u processes are taken to be alive", alive, CNT);
}

static void tell_on_every_cpu(void)
{
	cpu_set_t old, one;
	int cpu;

	assert_int_equal(sched_getaffinity(0, sizeof(old), &old), 0);
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		void *memory;

		if (!CPU_ISSET(cpu, &old))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		sched_setaffinity(0, sizeof(one), &one);
		memory = mmap(
			NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		munmap(memory, 4096);
	}
	sched_setaffinity(0, sizeof(old), &old);
}

/* More events than the rings hold: what was lost is read from /proc. */
static void lost_events_are_made_up_for(void **state)
{
	void *memory[2000];
	int fd = open("/proc/self/exe", O_RDONLY), i, known = 0;
	struct process *self;
	pid_t child;

	(void)state;
	NEEDS_ROOT();
	child = fork();
	if (!child) {
		pause();
		_exit(0);
	}
	drain();
	for (i = 0; i < 6000; i++) { /* some 100 bytes each, 256 KiB a CPU */
		void *other = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);

		munmap(other, 4096);
	}
	for (i = 0; i < 2000; i++)
		memory[i] = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, i % 2 * 4096);
	kill(child, 9);
	waitpid(child, NULL, 0); /* its exit is lost as well */
	drain();
	/* the kernel tells of a loss with the next record that finds room on that CPU */
	tell_on_every_cpu();
	drain();
	print_message("%llu events lost\n", (unsigned long long)process_events__lost_cnt(events));
	assert_int_not_equal(process_events__lost_cnt(events), 0);
	self = processes__find(table, (uint32_t)getpid());
	for (i = 0; i < 2000; i++) {
		known += image__find(self->image, (uint64_t)(uintptr_t)memory[i]) != NULL;
		munmap(memory[i], 4096);
	}
	assert_int_equal(known, 2000);
	assert_int_not_equal(processes__find(table, (uint32_t)child)->end_ns, 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(forks_and_exits_are_told, setup, teardown),
		cmocka_unit_test_setup_teardown(forks_and_exits_are_told, setup_all, teardown),
		cmocka_unit_test_setup_teardown(an_exec_is_a_new_image, setup, teardown),
		cmocka_unit_test_setup_teardown(
			files_of_mappings_are_known_by_any_name, setup, teardown),
		cmocka_unit_test_setup_teardown(
			other_memory_that_becomes_executable, setup, teardown),
		cmocka_unit_test_setup_teardown(processes_of_several_threads_end, setup, teardown),
		cmocka_unit_test_setup_teardown(lost_events_are_made_up_for, setup, teardown),
		cmocka_unit_test_setup_teardown(lost_events_are_made_up_for, setup_all, teardown),
	};

	return cmocka_run_group_tests_name("process_events", tests, NULL, NULL);
}
