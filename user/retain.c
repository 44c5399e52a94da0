// SPDX-License-Identifier: GPL-2.0
/* --retain: a profile a minute on disk. */
#include "retain_private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <unistd.h>

#include "answer.h"
#include "collect/collector.h"
#include "log.h"
#include "output/file.h"
#include "output/pprof.h"
#include "process/clock.h"
#include "retained.h"
#include "serve/watch.h"

#define MS_NS          1000000
#define DRAIN_NS       (1000ll * MS_NS) /* the next minute has to be open a drain ahead */
#define FINISH_SECONDS 20               /* that the end waits for writers */
#define FINISH_POLL_MS 200
#define WAITING_MAX    4 /* minutes of one profile that wait to be written */

/* One profile on its way to the disk. */
struct retain_write {
	struct retain *retain;
	const char *profile;
	struct tap *tap;
};

static int retain__fail(const struct retain *retain, const char *what, int err)
{
	char escaped[256];

	log__error("--retain: %s \"%s\": %s; give a folder that root may write to", what,
		log__escape(escaped, sizeof(escaped), retain->options->dir), strerror(-err));
	return err;
}

int retain__open(const struct options_retain *options, struct retain **ret)
{
	struct retain *retain;
	int err;

	*ret = NULL;
	if (!options->dir[0])
		return 0;
	retain = calloc(1, sizeof(*retain));
	if (!retain)
		return -ENOMEM;
	retain->options = options;
	retain->epoll_fd = -1;
	*ret = retain;
	/* 0700: who could do what is nobody else's business. */
	err = folder__make(options->dir, 0700, &retain->folder);
	return err ? retain__fail(retain, "cannot use folder", err) : 0;
}

/* ---- in the child ---- */

struct text {
	const char *data;
	size_t bytes;
};

static int text__copy(FILE *out, void *arg)
{
	const struct text *text = arg;

	return fwrite(text->data, 1, text->bytes, out) == text->bytes ? 0 : -errno;
}

/* Room is made before the file is there: SIZE holds at any time, with several writers too. */
static int retain__store(
	const struct retain_write *write, const struct profile *profile, const struct text *text)
{
	const struct options_retain *options = write->retain->options;
	int lock_fd = open(options->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), err;
	char name[RETAINED_NAME_MAX];

	if (lock_fd < 0)
		return -errno;
	err = text->bytes > options->bytes_max ? -EFBIG : 0;
	if (!err && flock(lock_fd, LOCK_EX))
		err = -errno;
	if (!err)
		err = retained__prune(options->dir, options->bytes_max - text->bytes,
			(int64_t)(clock__ns(CLOCK_REALTIME) / MS_NS) -
				(int64_t)(options->age_max_ns / MS_NS));
	retained__name(
		write->profile, profile->time_ns / MS_NS, profile->duration_ns / MS_NS, name);
	if (!err)
		err = output_file__write(options->dir, name, text__copy, (void *)text);
	close(lock_fd);
	return err;
}

static int retain__save(const struct output_source *source, void *arg, FILE *out)
{
	struct text text = {0};
	char *data = NULL;
	FILE *memory = open_memstream(&data, &text.bytes);
	int err = memory ? pprof__write(source, memory) : -ENOMEM;

	(void)out;
	if (memory && fclose(memory) && !err)
		err = -errno;
	text.data = data;
	if (!err)
		err = retain__store(arg, source->profile, &text);
	free(data);
	return err;
}

static int retain__write(FILE *out, void *arg)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	struct retain_write *write = arg;
	struct answer answer;
	size_t i;
	int err;

	/* A terminal and a service manager send them to all: the daemon waits for its writers, and they end when it does. */
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], SIG_IGN);
	err = answer__init(&answer, write->retain->capture, write->profile, 0, true);

	answer.tapped = write->tap->profile;
	return err ? err : answer__write(&answer, retain__save, write, out);
}

/* ---- in the daemon ---- */

static void retain__count(struct retain *retain, const char *profile, int err)
{
	char escaped[256];

	log__escape(escaped, sizeof(escaped), retain->options->dir);
	if (!err) {
		if (retain->row_cnt)
			log__info("--retain: profiles are kept in \"%s\" again; %llu were not",
				escaped, (unsigned long long)retain->row_cnt);
		retain->row_cnt = 0;
		retain->written_cnt++;
		return;
	}
	/* One line for all that fail in a row. */
	if (!retain->row_cnt++)
		log__error(
			"--retain: cannot keep the %s profile in \"%s\": %s; the older ones stay, "
			"and the next are tried (retain_failed counts those that are missing)",
			profile, escaped,
			err == -EFBIG ? "it is larger than SIZE" : strerror(-err));
	retain->failed_cnt++;
}

static void retain__on_written(int err, int fd, uint64_t bytes, void *arg)
{
	struct retain_write *write = arg;
	struct retain *retain = write->retain;

	(void)bytes;
	if (fd >= 0)
		close(fd);
	retain__count(retain, write->profile, err);
	capture__close_tap(retain->capture, write->tap);
	free(write);
}

static void retain__on_ready(void *arg)
{
	struct retain *retain = arg;
	struct epoll_event event;

	/* One at a time: what one frees cannot be in hand for the next. */
	while (epoll_wait(retain->epoll_fd, &event, 1, 0) > 0)
		((struct watch *)event.data.ptr)->fn(event.data.ptr);
	jobs__turn(retain->jobs);
}

/* Takes tap. */
static void retain__begin_write(struct retain *retain, const char *profile, struct tap *tap)
{
	struct retain_write *write = calloc(1, sizeof(*write));
	struct job *job = NULL;

	tap->is_done = true;
	if (write && jobs__cnt(retain->jobs) < WAITING_MAX * retain->ring_cnt) {
		*write = (struct retain_write){.retain = retain, .profile = profile, .tap = tap};
		job = jobs__add(retain->jobs, retain__write, retain__on_written, write);
	}
	if (job)
		return;
	retain__count(retain, profile, write ? -EBUSY : -ENOMEM);
	capture__close_tap(retain->capture, tap);
	free(write);
}

static struct tap *retain__open_tap(struct retain *retain, const char *profile)
{
	struct tap *tap = NULL;
	int err = capture__open_tap(retain->capture, profile, 0, UINT64_MAX, &tap);

	if (err)
		retain__count(retain, profile, err);
	return tap;
}

static void ring__turn(struct retain *retain, struct retain_ring *ring)
{
	/* The next minute counts from this drain on: what there was before is in this one. */
	if (ring->next && ring->next->is_running) {
		if (ring->now)
			retain__begin_write(retain, ring->profile, ring->now);
		ring->now = ring->next;
		ring->next = NULL;
	}
	if (!ring->next && (!ring->now || ring->now->profile->duration_ns + DRAIN_NS >=
						  (int64_t)retain->options->period_ns))
		ring->next = retain__open_tap(retain, ring->profile);
}

void retain__on_drained(struct retain *retain)
{
	size_t i;

	if (!retain)
		return;
	for (i = 0; i < retain->ring_cnt; i++)
		ring__turn(retain, &retain->rings[i]);
	if (jobs__cnt(retain->jobs))
		jobs__turn(retain->jobs);
}

int retain__start(struct retain *retain, struct loop *loop, struct capture *capture)
{
	const struct options_retain *options = retain->options;
	const struct profile *profile;
	size_t i;
	int err;

	if (faccessat(AT_FDCWD, options->dir, W_OK | X_OK, AT_EACCESS))
		return retain__fail(retain, "cannot write to folder", -errno);
	retained__clean(options->dir);
	retain->loop = loop;
	retain->capture = capture;
	retain->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	retain->jobs = retain->epoll_fd < 0 ? NULL : jobs__new(retain->epoll_fd);
	if (!retain->jobs)
		return retain->epoll_fd < 0 ? -errno : -ENOMEM;
	err = loop__add_fd(loop, retain->epoll_fd, retain__on_ready, retain);
	if (err)
		return err;
	for (i = 0; (profile = capture__profile_at(capture, i)); i++) {
		const struct collector_ops *ops = collector__find(profile->kind->name);

		if (ops->drain) /* a gauge has no past */
			retain->rings[retain->ring_cnt++].profile = ops->name;
	}
	retain->is_started = true;
	retain__on_drained(retain);
	return 0;
}

/* Those that are under way have what is to be kept. */
static void retain__await_writers(struct retain *retain)
{
	struct pollfd ready = {.fd = retain->epoll_fd, .events = POLLIN};
	int tries = FINISH_SECONDS * 1000 / FINISH_POLL_MS;

	jobs__turn(retain->jobs);
	while (jobs__cnt(retain->jobs) && tries-- > 0) {
		poll(&ready, 1, FINISH_POLL_MS);
		retain__on_ready(retain);
	}
}

void retain__finish(struct retain *retain)
{
	size_t i;

	if (!retain || !retain->jobs)
		return;
	for (i = 0; i < retain->ring_cnt; i++) {
		struct retain_ring *ring = &retain->rings[i];

		if (ring->now)
			retain__begin_write(retain, ring->profile, ring->now);
		capture__close_tap(retain->capture, ring->next);
		*ring = (struct retain_ring){0};
	}
	retain__await_writers(retain);
}

void retain__close(struct retain *retain)
{
	if (!retain)
		return;
	jobs__free(retain->jobs);
	if (retain->loop && retain->epoll_fd >= 0)
		loop__remove_fd(retain->loop, retain->epoll_fd);
	if (retain->epoll_fd >= 0)
		close(retain->epoll_fd);
	if (!retain->is_started)
		folder__unmake(&retain->folder);
	free(retain);
}

uint64_t retain__failed_cnt(const struct retain *retain)
{
	return retain ? retain->failed_cnt : 0;
}

uint64_t retain__written_cnt(const struct retain *retain)
{
	return retain ? retain->written_cnt : 0;
}
