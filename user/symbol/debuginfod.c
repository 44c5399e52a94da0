// SPDX-License-Identifier: GPL-2.0
/* Runs elfutils' debuginfod client in a child process: libdebuginfod where it is installed, or else its program. */
#include "symbol/debuginfod.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "symbol/debug_file.h"
#include "symbol/worker.h"

#define CLIENT_MS_MAX       60000
#define CLIENT_MEMORY_BYTES (256u << 20)
#define FAILURES_MAX        2
/* "not found" takes less; the program does not tell it from a server that is gone. */
#define ANSWER_SECONDS_MAX 5

struct debuginfod {
	unsigned int failure_cnt;
	bool no_client;
};

/* What the child writes when there is no path: */
#define NO_CLIENT '?'
#define NO_SERVER '!'

struct debuginfod *debuginfod__new(void)
{
	return calloc(1, sizeof(struct debuginfod));
}

void debuginfod__free(struct debuginfod *debuginfod)
{
	free(debuginfod);
}

static void say(int out, const char *text, size_t len)
{
	if (write(out, text, len) != (ssize_t)len)
		_exit(1);
}

/* elfutils/debuginfod.h, which only its development package has. */
static void ask_library(void *library, int out, const char *build_id_hex)
{
	void *(*begin)(void) = (void *(*)(void))dlsym(library, "debuginfod_begin");
	int (*find)(void *client, const unsigned char *id, int id_len, char **ret_path) = (int (*)(
		void *, const unsigned char *, int, char **))dlsym(library,
		"debuginfod_find_debuginfo");
	void *client = begin && find ? begin() : NULL;
	char *path = NULL;
	int fd;

	if (!client) {
		say(out, (char[]){NO_CLIENT}, 1);
		return;
	}
	fd = find(client, (const unsigned char *)build_id_hex, 0, &path);
	if (fd >= 0 && path)
		say(out, path, strlen(path));
	else if (fd != -ENOENT)
		say(out, (char[]){NO_SERVER}, 1);
}

static void run_client(int out, void *arg)
{
	const char *build_id_hex = arg;
	void *library = dlopen("libdebuginfod.so.1", RTLD_NOW | RTLD_LOCAL);
	int null;

	/* The client's own default is 90 s without progress. */
	setenv("DEBUGINFOD_TIMEOUT", "10", 0);
	unsetenv("DEBUGINFOD_PROGRESS");
	if (library) {
		ask_library(library, out, build_id_hex);
		return;
	}
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
		dup2(null, STDERR_FILENO) < 0)
		_exit(1);
	execlp("debuginfod-find", "debuginfod-find", "debuginfo", build_id_hex, NULL);
	say(out, (char[]){NO_CLIENT}, 1);
}

/* All that the child writes, up to PATH_MAX - 1 bytes; its length. */
static size_t read_answer(struct worker *worker, char answer[PATH_MAX])
{
	size_t len = 0;

	while (len < PATH_MAX - 1 && worker__read(worker, &answer[len], 1))
		len++;
	if (len && answer[len - 1] == '\n')
		len--;
	answer[len] = '\0';
	return len;
}

int debuginfod__open(
	struct debuginfod *debuginfod, const struct elf_view *view, const char *build_id_hex)
{
	struct worker *worker;
	char answer[PATH_MAX];
	time_t began = time(NULL);
	int fd = -ENOENT;

	if (!debuginfod || !build_id_hex[0] || debuginfod->no_client ||
		debuginfod->failure_cnt >= FAILURES_MAX)
		return -ENOENT;
	worker = malloc(sizeof(*worker));
	if (!worker || worker__start(worker, run_client, (void *)(uintptr_t)build_id_hex,
			       CLIENT_MEMORY_BYTES, CLIENT_MS_MAX)) {
		free(worker);
		return -ENOENT;
	}
	read_answer(worker, answer);
	worker__stop(worker);
	free(worker);
	/* Whatever a server sends: only a file of the same build id is taken. */
	if (answer[0] == '/')
		fd = debug_file__open_path(view, answer);
	debuginfod->no_client = answer[0] == NO_CLIENT;
	if (answer[0] == NO_SERVER || (!answer[0] && time(NULL) - began > ANSWER_SECONDS_MAX))
		debuginfod->failure_cnt++;
	return fd;
}

const char *debuginfod__reason(const struct debuginfod *debuginfod)
{
	if (debuginfod->no_client)
		return "neither libdebuginfod.so.1 nor debuginfod-find is installed; install "
		       "package debuginfod";
	if (debuginfod->failure_cnt)
		return "a server in DEBUGINFOD_URLS does not answer; look at its address and the "
		       "network";
	return NULL;
}
