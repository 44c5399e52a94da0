// SPDX-License-Identifier: GPL-2.0
/* Any bytes as what a client sends to the HTTP server: request lines, queries, headers, bodies, several requests at once. The
 * first byte says how long the first piece is. Nothing is measured, and no child is made: readings fail, at once or later. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "serve/routes.h"
#include "serve/server_private.h"

#define TURNS_MAX    64
#define ANSWER_BYTES (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
	struct server *server;
	struct sockaddr_un address;
	socklen_t address_bytes;
	serve_ready_fn ready; /* of the reading under way */
	void *ready_arg;
	unsigned int start_cnt;
} state;

/* In place of the C library's: what is asked for is parsed, its writer is not run. */
pid_t fork(void)
{
	errno = EAGAIN;
	return -1;
}

static int source__find_profile(void *arg, const char *profile, char reason[SERVE_REASON_MAX])
{
	(void)arg;
	snprintf(reason, SERVE_REASON_MAX, "%s: none here", profile);
	return strcmp(profile, "mutex") ? 0 : -ENOENT;
}

static int source__find_process(void *arg, uint32_t pid)
{
	(void)arg;
	return pid == 1 ? 0 : -ENOENT;
}

static int source__start(void *arg, const struct serve_reading_request *request,
	serve_ready_fn ready, void *ready_arg, struct serve_reading **ret,
	char reason[SERVE_REASON_MAX])
{
	(void)arg;
	if (request->window_ns > SECONDS_MAX * 1000000000ull ||
		!profile_kind__find(request->profile))
		abort();
	snprintf(reason, SERVE_REASON_MAX, "not now");
	if (state.ready || ++state.start_cnt % 2)
		return -EBUSY;
	state.ready = ready;
	state.ready_arg = ready_arg;
	*ret = (struct serve_reading *)&state;
	return 0;
}

static void source__end(void *arg, struct serve_reading *reading)
{
	(void)arg, (void)reading;
	state.ready = NULL;
}

static int source__write(
	void *arg, struct serve_reading *reading, serve_write_fn write, void *write_arg, FILE *out)
{
	(void)arg, (void)reading, (void)write, (void)write_arg, (void)out;
	abort(); /* only a child would */
}

static int source__write_symbols(
	void *arg, uint32_t pid, const uint64_t *addresses, size_t cnt, bool with_kernel, FILE *out)
{
	(void)arg, (void)pid, (void)addresses, (void)cnt, (void)with_kernel, (void)out;
	abort();
}

static size_t source__sample_cnt(void *arg, const char *profile)
{
	(void)arg;
	return strlen(profile);
}

static void source__figures(void *arg, struct serve_figures *ret)
{
	(void)arg;
	ret->counters[0] = (struct serve_counter){"name", "text", true, 7};
	ret->counter_cnt = 1;
}

static const struct thread_record *source__threads(void *arg, size_t *ret_cnt)
{
	(void)arg;
	*ret_cnt = 0;
	return NULL;
}

static const char *source__cgroup_path(void *arg, uint64_t cgroup)
{
	(void)arg;
	return cgroup & 1 ? "/a\"b\n\033[1m" : NULL;
}

static const struct usage *usage__of_one(void)
{
	struct sample_key key = {.pid = 7, .cgroup = 1, .comm = "e\"v\\i\nl\033[31m\177"};
	const uint64_t values[PROFILE_VALUES_MAX] = {1, 1000000};
	struct usage *usage = usage__new(4);

	if (!usage)
		abort();
	usage__advance(usage, 1000000000);
	usage__add(usage, &key, values);
	return usage;
}

static int listen__open(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	/* The kernel finds a name, in no folder (unix(7), autobind). */
	state.address.sun_family = AF_UNIX;
	state.address_bytes = sizeof(state.address);
	if (fd < 0 || bind(fd, (struct sockaddr *)&state.address, sizeof(sa_family_t)) ||
		listen(fd, 8) ||
		getsockname(fd, (struct sockaddr *)&state.address, &state.address_bytes))
		abort();
	return fd;
}

static void server__start(void)
{
	static struct history history;
	static struct serve_source source = {
		.find_profile = source__find_profile,
		.find_process = source__find_process,
		.start = source__start,
		.end = source__end,
		.write = source__write,
		.write_symbols = source__write_symbols,
		.sample_cnt = source__sample_cnt,
		.figures = source__figures,
		.threads = source__threads,
		.cgroup_path = source__cgroup_path,
		.history = &history,
	};
	struct server_options options = {.host = "profiled", .token = "secret"};

	source.heap_history = heap_history__new();
	source.usage = usage__of_one();
	history__add(&history, &(struct sched_snapshot){.elapsed_ns = 1000000000});
	options.listen_fd = listen__open();
	if (!source.heap_history || server__open(&options, &source, &state.server))
		abort();
}

/* A status line, and header lines of plain characters: nothing that was asked for gets out of its place. */
static void check_answer(const char *answer, size_t bytes)
{
	const char *end = memmem(answer, bytes, "\r\n\r\n", 4);
	size_t i;

	if (!bytes)
		return;
	if (!end || memcmp(answer, "HTTP/1.", 7))
		abort();
	for (i = 0; answer + i < end; i++)
		if ((answer[i] < 0x20 || answer[i] > 0x7e) && answer[i] != '\r' &&
			answer[i] != '\n')
			abort();
	/* what a process chose never drives a terminal */
	if (memmem(answer, bytes, "\033[", 2))
		abort();
}

static void turn(int fd, char *answer, size_t *answer_bytes)
{
	ssize_t got;

	server__on_ready(state.server);
	if (state.ready)
		state.ready(-EIO, "cannot be read", state.ready_arg);
	do {
		got = recv(fd, answer + *answer_bytes, ANSWER_BYTES - *answer_bytes, MSG_DONTWAIT);
		if (got > 0)
			*answer_bytes += (size_t)got;
	} while (got > 0 && *answer_bytes < ANSWER_BYTES);
}

static void run(const uint8_t *data, size_t size, size_t first)
{
	static char answer[ANSWER_BYTES];
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), i;
	size_t bytes = 0, before;

	if (fd < 0 || connect(fd, (struct sockaddr *)&state.address, state.address_bytes))
		abort();
	send(fd, data, first, MSG_NOSIGNAL | MSG_DONTWAIT);
	turn(fd, answer, &bytes);
	send(fd, data + first, size - first, MSG_NOSIGNAL | MSG_DONTWAIT);
	i = 0;
	do {
		before = bytes;
		turn(fd, answer, &bytes);
	} while ((bytes != before || i < 3) && i++ < TURNS_MAX);
	check_answer(answer, bytes);
	close(fd);
	for (i = 0; i < TURNS_MAX && state.server->clients.cnt; i++)
		server__on_ready(state.server);
	if (state.server->clients.cnt || state.server->exchanges)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	if (!state.server)
		server__start();
	run(data + 1, size - 1, data[0] < size - 1 ? data[0] : size - 1);
	return 0;
}
