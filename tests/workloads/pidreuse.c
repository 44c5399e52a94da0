// SPDX-License-Identifier: GPL-2.0
/* pidreuse CNT MS PROGRAM PROGRAM: executes the programs in turn (PROGRAM MS), each in a new process with the same pid.
 * To be run as root in a pid namespace of its own. Prints the pid. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PID 4000

int main(int argc, char **argv)
{
	int fd = open("/proc/sys/kernel/ns_last_pid", O_WRONLY), i, status;
	char last[16];

	if (argc != 5 || fd < 0)
		return 2;
	snprintf(last, sizeof(last), "%d", PID - 1);
	for (i = 0; i < atoi(argv[1]); i++) {
		char *args[] = {argv[3 + i % 2], argv[2], NULL};
		pid_t pid;

		if (pwrite(fd, last, strlen(last), 0) < 0)
			return 3;
		pid = fork();
		if (!pid) {
			execv(args[0], args);
			_exit(127);
		}
		if (pid != PID)
			return 4;
		if (waitpid(pid, &status, 0) != pid || status)
			return 5;
	}
	printf("%d\n", PID);
	return 0;
}
