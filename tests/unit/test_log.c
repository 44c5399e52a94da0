/* The messages of the front door, as they arrive on stderr, and the escaping of foreign text. */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"

static int own_stderr, reader;
static char received[2 * PIPE_BUF];

/* stderr becomes one end of a socket that keeps the bounds of each write. */
static int redirect(void **state)
{
	int pair[2];

	(void)state;
	unsetenv("JOURNAL_STREAM");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair))
		return -1;
	own_stderr = dup(STDERR_FILENO);
	if (own_stderr < 0 || dup2(pair[1], STDERR_FILENO) < 0)
		return -1;
	close(pair[1]);
	reader = pair[0];
	log__init(LOG_LEVEL_DEBUG);
	return 0;
}

static int restore(void **state)
{
	(void)state;
	dup2(own_stderr, STDERR_FILENO);
	close(own_stderr);
	close(reader);
	return 0;
}

/* What one write(2) brought, "" for none. */
static const char *next_write(void)
{
	ssize_t len = recv(reader, received, sizeof(received) - 1, 0);

	received[len > 0 ? len : 0] = '\0';
	return received;
}

static void one_write_a_line(void **state)
{
	(void)state;
	errno = EBADF;
	log__error("pid %d: %s", 4242, "no such process");
	assert_int_equal(errno, EBADF);
	log__warn("w");
	log__info("i");
	log__debug("%s", "");
	assert_string_equal(next_write(), "bpfprof: pid 4242: no such process\n");
	assert_string_equal(next_write(), "bpfprof: w\n");
	assert_string_equal(next_write(), "bpfprof: i\n");
	assert_string_equal(next_write(), "bpfprof: \n");
	assert_string_equal(next_write(), "");
}

static void levels(void **state)
{
	static const struct {
		enum log_level level;
		const char *lines;
	} rows[] = {
		{LOG_LEVEL_ERROR, "e"},
		{LOG_LEVEL_WARN, "ew"},
		{LOG_LEVEL_INFO, "ewi"},
		{LOG_LEVEL_DEBUG, "ewid"},
	};
	const char *c;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		log__init(rows[i].level);
		log__error("e");
		log__warn("w");
		log__info("i");
		log__debug("d");
		for (c = rows[i].lines; *c; c++)
			assert_int_equal(next_write()[9], *c);
		assert_string_equal(next_write(), "");
	}
}

static void set_journal_stream(long ino_offset, const char *end)
{
	struct stat st;
	char text[64];

	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(text, sizeof(text), "%llu:%llu%s", (unsigned long long)st.st_dev,
		(unsigned long long)st.st_ino + ino_offset, end);
	setenv("JOURNAL_STREAM", text, 1);
	log__init(LOG_LEVEL_DEBUG);
	log__error("x");
}

static void journal_priority(void **state)
{
	(void)state;
	set_journal_stream(0, "");
	log__warn("x");
	log__info("x");
	log__debug("x");
	assert_string_equal(next_write(), "<3>bpfprof: x\n");
	assert_string_equal(next_write(), "<4>bpfprof: x\n");
	assert_string_equal(next_write(), "<6>bpfprof: x\n");
	assert_string_equal(next_write(), "<7>bpfprof: x\n");
	/* stderr was redirected since; or the variable is rubbish. */
	set_journal_stream(1, "");
	assert_string_equal(next_write(), "bpfprof: x\n");
	set_journal_stream(0, "x");
	assert_string_equal(next_write(), "bpfprof: x\n");
	setenv("JOURNAL_STREAM", "x", 1);
	log__init(LOG_LEVEL_DEBUG);
	log__error("x");
	assert_string_equal(next_write(), "bpfprof: x\n");
}

/* A raw name that a caller forgot to escape still cannot make a second line or an escape. */
static void raw_text(void **state)
{
	(void)state;
	log__error("%s", "a\nbpfprof: b \"c\" \\d\x1b[2J\xff");
	assert_string_equal(next_write(), "bpfprof: a\\nbpfprof: b \"c\" \\d\\x1b[2J\\xff\n");
}

static void long_line(void **state)
{
	static char text[3 * PIPE_BUF];
	size_t len;

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	log__error("%s", text);
	len = strlen(next_write());
	assert_in_range(len, PIPE_BUF - 2, PIPE_BUF);
	assert_string_equal(received + len - 5, "a...\n");
	assert_string_equal(next_write(), "");

	/* The longest that fits whole. */
	text[PIPE_BUF - 11] = '\0';
	log__error("%s", text);
	len = strlen(next_write());
	assert_int_equal(len, PIPE_BUF - 1);
	assert_string_equal(received + len - 2, "a\n");
}

static void closed_stderr(void **state)
{
	(void)state;
	close(STDERR_FILENO);
	errno = 0;
	log__error("nobody hears this");
	assert_int_equal(errno, 0);
}

static void escapes(void **state)
{
	static const struct {
		const char *text, *escaped;
	} rows[] = {
		{"", ""},
		{"kworker/0:1-events", "kworker/0:1-events"},
		{"a b", "a b"},
		{"\a\b\t\n\v\f\r", "\\a\\b\\t\\n\\v\\f\\r"},
		{"\x1b[31m\x7f\x01", "\\x1b[31m\\x7f\\x01"},
		{"\"\\", "\\\"\\\\"},
		{"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\x9d",
			"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\x9d"},
		{"\xc2\x9b[31m", "\\xc2\\x9b[31m"}, /* CSI as a C1 control */
		{"\xe2\x80\xae"
		 "abc",
			"\\xe2\\x80\\xae"
			"abc"},                      /* right-to-left override */
		{"\xe2\x80\xa8", "\\xe2\\x80\\xa8"}, /* line separator */
		{"\xff\xc3", "\\xff\\xc3"},          /* no UTF-8, cut short */
		{"\xc0\x8a", "\\xc0\\x8a"},          /* overlong newline */
		{"\xe0\x80\x8a", "\\xe0\\x80\\x8a"},
		{"\xf0\x80\x80\x8a", "\\xf0\\x80\\x80\\x8a"},
		{"\xed\xa0\x80", "\\xed\\xa0\\x80"},          /* surrogate */
		{"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"}, /* above U+10FFFF */
		{"\xe2\x28\xa1", "\\xe2(\\xa1"},
	};
	char buf[128];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_ptr_equal(log__escape(buf, sizeof(buf), rows[i].text), buf);
		assert_string_equal(buf, rows[i].escaped);
	}
	assert_string_equal(log__escape_n(buf, sizeof(buf), "a\0b", 3), "a\\x00b");
}

/* Exact-size buffers, so that ASan sees a write beyond them. */
static void escape_cuts(void **state)
{
	static const struct {
		const char *text;
		size_t size;
		const char *escaped;
	} rows[] = {
		{"abcdef", 7, "abcdef"},
		{"abcdef", 6, "ab..."},
		{"abcdef", 4, "..."},
		{"abcdef", 3, ".."},
		{"abcdef", 1, ""},
		{"a\nbcde", 8, "a\\nbcde"},
		{"a\nbcdef", 8, "a\\nb..."},
		{"a\x01\x02", 8, "a..."},
		{"\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac", 9, "\xe2\x82\xac..."},
		{"\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac", 10,
			"\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"},
		{"", 1, ""},
	};
	char *buf;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf = malloc(rows[i].size);
		assert_non_null(buf);
		log__escape(buf, rows[i].size, rows[i].text);
		assert_string_equal(buf, rows[i].escaped);
		free(buf);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_write_a_line, redirect, restore),
		cmocka_unit_test_setup_teardown(levels, redirect, restore),
		cmocka_unit_test_setup_teardown(journal_priority, redirect, restore),
		cmocka_unit_test_setup_teardown(raw_text, redirect, restore),
		cmocka_unit_test_setup_teardown(long_line, redirect, restore),
		cmocka_unit_test_setup_teardown(closed_stderr, redirect, restore),
		cmocka_unit_test(escapes),
		cmocka_unit_test(escape_cuts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
