// SPDX-License-Identifier: GPL-2.0
/* spawn HOW CNT MS [PROGRAM]: CNT processes, one after the other, each of which burns MS; prints their pids.
 * HOW: fork (no exec: child_burn), exec, vfork or posix_spawn (PROGRAM MS). */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "burn.h"

BURN_ROUNDS(child_burn)

extern char **environ;

static pid_t start(const char *how, char *ms, char *program)
{
	char *argv[] = {program, ms, NULL};
	pid_t pid;

	if (!strcmp(how, "posix_spawn"))
		return posix_spawn(&pid, program, NULL, NULL, argv, environ) ? -1 : pid;
	pid = !strcmp(how, "vfork") ? vfork() : fork();
	if (pid)
		return pid;
	if (!strcmp(how, "fork")) {
		BURN_CPU_MS(child_burn, atoi(ms));
		_exit(0);
	}
	execv(program, argv);
	_exit(127);
}

int main(int argc, char **argv)
{
	int i, cnt = argc > 3 ? atoi(argv[2]) : 0, status;

	for (i = 0; i < cnt; i++) {
		pid_t pid = start(argv[1], argv[3], argv[4]);

		if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
			return 1;
		printf("%d\n", pid);
	}
	return cnt ? 0 : 2;
}
