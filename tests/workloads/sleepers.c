// SPDX-License-Identifier: GPL-2.0
/* sleepers CNT: CNT processes that sleep; prints "ready", and ends them when its input ends. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int i, cnt = argc > 1 ? atoi(argv[1]) : 0;
	char byte;

	for (i = 0; i < cnt; i++) {
		pid_t pid = fork();

		if (pid < 0)
			return 1;
		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				pause();
		}
	}
	puts("ready");
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	return 0;
}
