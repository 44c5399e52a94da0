/* SPDX-License-Identifier: GPL-2.0 */
/* CMD of `bpfprof -- CMD`: started stopped, let go once everything is attached, its status passed on. */
#ifndef BPFPROF_COMMAND_H
#define BPFPROF_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct command {
	pid_t pid;
	int release_fd; /* a byte lets the child exec */
	int error_fd;   /* the errno of a failed exec; end of file when it worked */
};

/* Forks; the child waits before its exec. argv ends in NULL. 0 or -errno. */
int command__start(char *const argv[], struct command *ret);
/* Lets the child exec. 0, or the -errno of its exec. */
int command__release(struct command *command);
/* True when it has ended; *ret_status is then its exit status as a shell gives it: 128 + N for signal N. */
bool command__has_ended(const struct command *command, int *ret_status);
/* Before the release: ends the child that waits. */
void command__cancel(struct command *command);

/* Where execvp(3) finds the program of this name. 0, -ENOENT, -ENAMETOOLONG. */
int command__find(const char *name, char *ret, size_t size);

#endif
