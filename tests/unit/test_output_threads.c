// SPDX-License-Identifier: GPL-2.0
/* Threads as text, beside golden files, and the words for what they do. */
#include "test_output.h"

#include <errno.h>
#include <sys/syscall.h>

#include "output/frames.h"
#include "output/labels.h"
#include "output/thread_state.h"
#include "output/threads_text.h"

#define LIBC "/usr/lib/x86_64-linux-gnu/libc.so.6"

static char *golden(const char *name)
{
	char path[512], *text = calloc(1, 1 << 16);
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", GOLDEN_DIR, name);
	file = fopen(path, "re");
	assert_non_null(file);
	assert_true(fread(text, 1, (1 << 16) - 1, file) > 0);
	fclose(file);
	return text;
}

static struct thread_record thread_of(uint32_t pid, uint32_t tid, const char *name, uint32_t state,
	int32_t syscall, uint64_t stack, uint64_t in_state_ns)
{
	struct thread_record record = {
		.stack = stack,
		.in_state_ns = in_state_ns,
		.pid = pid,
		.tid = tid,
		.state = THREAD_STATE_WORD(state, syscall),
	};

	strcpy(record.comm, pid == 41 ? "redis-server" : "evil");
	memcpy(record.thread, name, strnlen(name, sizeof(record.thread)));
	return record;
}

/* Two processes: named, inlined, unnamed, truncated, lost and hostile frames, and the kernel's where they tell something. */
static struct fixture *two_processes(void)
{
	const uint64_t wait = file_frame(1, 0x85f16), cond = file_frame(1, 0x8bfaa),
		       worker = file_frame(2, 0x1d2f3), start = file_frame(1, 0x8df7a),
		       evil = file_frame(2, 0x666), kernel = kernel_frame(0xffffffff81000100);
	struct fixture *fixture = fixture__new(&profile_kind_threads);
	struct symbol_location *location;
	uint32_t libc, program;

	libc = fixture__mapping(fixture, (struct symbol_mapping){.path = LIBC, .build_id = ""});
	program = fixture__mapping(
		fixture, (struct symbol_mapping){.path = "/usr/bin/redis-server", .build_id = ""});
	location = fixture__location(fixture, wait, 0x85f16, libc);
	fixture__line(fixture, location, "futex_wait", 57);
	fixture__line(fixture, location, "__futex_abstimed_wait_common", 87);
	location = fixture__location(fixture, cond, 0x8bfaa, libc);
	fixture__line(fixture, location, "pthread_cond_wait", 618);
	location = fixture__location(fixture, worker, 0x1d2f3, program);
	fixture__line(fixture, location, "bioProcessBackgroundJobs", 0);
	fixture__location(fixture, start, 0x8df7a, libc);
	location = fixture__location(fixture, evil, 0x666, program);
	fixture__line(fixture, location, "a\nthread 1 \"b\" [running]:\033[2J", 0);
	location = fixture__location(fixture, kernel, 0xffffffff81000100, UINT32_MAX);
	fixture__line(fixture, location, "io_schedule", 0);
	fixture__stack(
		fixture, 1, STACK_END_ROOT, 1, (uint64_t[]){kernel, wait, cond, worker, start}, 5);
	fixture__stack(fixture, 2, STACK_END_NO_TABLE, 1, (uint64_t[]){kernel, worker}, 2);
	fixture__stack(fixture, 3, STACK_END_ROOT, 0, (uint64_t[]){evil}, 1);
	return fixture;
}

static char *text_of(int (*write)(const struct threads_text *, FILE *))
{
	const uint64_t ms = 1000000, minute = 60000 * ms;
	const struct thread_record records[] = {
		thread_of(41, 41, "redis-server", THREAD_RUNNING, -1, 3, 12 * ms),
		thread_of(41, 42, "redis-io", THREAD_SLEEPING, __NR_futex, 1, 3 * minute),
		thread_of(41, 43, "redis-io", THREAD_SLEEPING, __NR_futex, 1, 4 * minute),
		thread_of(41, 44, "bio", THREAD_DISK, __NR_fsync, 2, 12345 * ms),
		thread_of(41, 45, "gone", THREAD_DEAD, -1, 0, 0),
		thread_of(41, 46, "odd", THREAD_SLEEPING, 443, 9, THREAD_IN_STATE_UNKNOWN),
		/* without a NUL, and with what would drive a terminal */
		thread_of(66, 67, "\"\n\033[2Jxxxxxxxxxx", THREAD_STOPPED, -1, 3, 0),
	};
	struct fixture *fixture = two_processes();
	struct threads_text threads = {
		.source = &fixture->source,
		.records = records,
		.cnt = sizeof(records) / sizeof(records[0]),
	};
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	assert_int_equal(write(&threads, out), 0);
	fclose(out);
	fixture__free(fixture);
	return text;
}

static void check(int (*write)(const struct threads_text *, FILE *), const char *name)
{
	char *text = text_of(write), *expected = golden(name);

	assert_string_equal(text, expected);
	free(text);
	free(expected);
}

static void one_by_one(void **state)
{
	(void)state;
	check(threads_text__write, "threads_debug2.txt");
}

static void grouped(void **state)
{
	(void)state;
	check(threads_text__write_grouped, "threads_debug1.txt");
}

static void full_device(void **state)
{
	struct fixture *fixture = two_processes();
	const struct thread_record record = thread_of(41, 41, "x", THREAD_RUNNING, -1, 1, 0);
	struct threads_text threads = {.source = &fixture->source, .records = &record, .cnt = 1};
	FILE *out = fopen("/dev/full", "we");

	(void)state;
	assert_non_null(out);
	assert_int_equal(threads_text__write(&threads, out), -ENOSPC);
	fclose(out);
	fixture__free(fixture);
}

static void words(void **state)
{
	static const struct {
		uint32_t state;
		int32_t syscall;
		const char *label, *text;
	} rows[] = {
		{THREAD_RUNNING, -1, "running", "running"},
		{THREAD_RUNNABLE, __NR_futex, "runnable", "runnable"},
		{THREAD_SLEEPING, __NR_futex, "futex", "futex"},
		{THREAD_SLEEPING, __NR_read, "read", "read"},
		{THREAD_SLEEPING, __NR_ppoll, "poll", "poll"},
		{THREAD_SLEEPING, __NR_epoll_pwait, "epoll", "epoll"},
		{THREAD_SLEEPING, __NR_clock_nanosleep, "sleep", "sleep"},
		{THREAD_SLEEPING, __NR_recvmsg, "socket", "socket"},
		{THREAD_SLEEPING, __NR_wait4, "wait", "wait"},
		{THREAD_SLEEPING, -1, "sleep", "sleep"},
		{THREAD_SLEEPING, 443, "syscall", "syscall 443"},
		{THREAD_DISK, __NR_read, "disk", "disk"},
		{THREAD_DISK, __NR_futex, "disk", "disk"},
		{THREAD_DISK, __NR_clone, "vfork", "vfork"},
		{THREAD_DISK, __NR_clone3, "vfork", "vfork"},
		{THREAD_STOPPED, __NR_futex, "stopped", "stopped"},
		{THREAD_TRACED, -1, "traced", "traced"},
		{THREAD_IDLE, -1, "idle", "idle"},
		{THREAD_DEAD, -1, "exited", "exited"},
		{THREAD_NOT_TOLD, -1, NULL, "unknown"},
		{4711, -1, NULL, "unknown"},
	};
	char buf[THREAD_STATE_BYTES];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t word = THREAD_STATE_WORD(rows[i].state, rows[i].syscall);
		const char *label = thread_state__label(word);

		if (rows[i].label)
			assert_string_equal(label, rows[i].label);
		else
			assert_null(label);
		assert_string_equal(thread_state__text(word, buf), rows[i].text);
	}
}

static void durations(void **state)
{
	static const struct {
		uint64_t ms;
		const char *text;
	} rows[] = {
		{0, "0 ms"},
		{999, "999 ms"},
		{1000, "1.0 s"},
		{59999, "59.9 s"},
		{60000, "1 minute"},
		{119 * 60000, "119 minutes"},
		{120 * 60000, "2 hours"},
		{48 * 3600000ull, "2 days"},
		{UINT64_MAX / 1000000, "213503 days"},
	};
	char text[THREAD_STATE_BYTES];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		thread_state__duration(rows[i].ms * 1000000, text);
		assert_string_equal(text, rows[i].text);
	}
}

static void labels_of_threads_and_of_no_others(void **state)
{
	struct fixture *fixture = fixture__new(&profile_kind_threads);
	struct sample sample = {.key = {.tag = THREAD_STATE_WORD(THREAD_SLEEPING, __NR_futex)}};
	struct label labels[LABELS_MAX];

	(void)state;
	assert_int_equal(labels__of(&fixture->source, &sample, labels), 1);
	assert_string_equal(labels[0].key, "state");
	assert_string_equal(labels[0].text, "futex");
	fixture->profile->kind = &profile_kind_cpu;
	assert_int_equal(labels__of(&fixture->source, &sample, labels), 0);
	fixture__free(fixture);
}

static void unseen_creations_have_their_word(void **state)
{
	struct fixture *fixture = fixture__new(&profile_kind_threadcreate);
	struct sample sample = {
		.key = {.tag = THREAD_STATE_WORD(THREAD_UNSEEN, THREAD_NO_SYSCALL)}};
	uint32_t frames[SAMPLE_FRAMES_MAX];

	(void)state;
	assert_int_equal(frames__of(&fixture->source, &sample, frames), 1);
	assert_string_equal(frames__location(&fixture->symbols, frames[0])->lines[0].function,
		"[created before bpfprof attached]");
	sample.key.tag = 0;
	assert_int_equal(frames__of(&fixture->source, &sample, frames), 1);
	assert_string_equal(
		frames__location(&fixture->symbols, frames[0])->lines[0].function, "[lost]");
	fixture__free(fixture);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_by_one),
		cmocka_unit_test(grouped),
		cmocka_unit_test(full_device),
		cmocka_unit_test(words),
		cmocka_unit_test(durations),
		cmocka_unit_test(labels_of_threads_and_of_no_others),
		cmocka_unit_test(unseen_creations_have_their_word),
	};

	/* test_output_threads --print: what the golden files hold, to be read before it is taken over */
	if (argc > 1 && !strcmp(argv[1], "--print")) {
		char *text = text_of(argc > 2 ? threads_text__write_grouped : threads_text__write);

		fputs(text, stdout);
		free(text);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
