/* The messages of the front door: one line, one write, to stderr. Library files return errors. */
#ifndef BPFPROF_LOG_H
#define BPFPROF_LOG_H

#include <stddef.h>

/* The values are syslog's priorities, which journald understands. */
enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARN = 4,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

/*
 * Sets what is printed (-q: LOG_LEVEL_ERROR, -v: LOG_LEVEL_DEBUG, LOG_LEVEL_INFO otherwise) and
 * finds out whether stderr is the journal's stream: JOURNAL_STREAM names its device and inode
 * (systemd.exec(5)). Only then does a line begin with its priority, as in `<3>`. Without this call
 * the level is LOG_LEVEL_INFO and no priority is printed.
 */
void log__init(enum log_level level);

/*
 * Each prints `bpfprof: TEXT` as one line with one write(2). Control bytes that are left in the
 * text are escaped, so it stays one line; a text of more than 4 KiB, the length up to which writes
 * to a pipe do not interleave, ends in `...`. errno is preserved.
 */
void log__error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log__warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log__info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log__debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Makes a text that bpfprof did not write itself (a comm, a path, an argument) safe to show: as in
 * a C string literal, with `\n`, `\"`, `\\` and `\x1b`. Valid UTF-8 stays, but for the control and
 * bidirectional characters with which a name can rewrite a terminal's line. A text that does not
 * fit ends in `...`, never inside an escape or a character. Returns buf, always terminated; size
 * is in bytes and at least 1.
 */
const char *log__escape(char *buf, size_t size, const char *text);
const char *log__escape_n(char *buf, size_t size, const char *text, size_t text_len);

#endif
