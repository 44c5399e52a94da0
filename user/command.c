// SPDX-License-Identifier: GPL-2.0
/* Starts CMD. */
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void child__run(char *const argv[], int release_fd, int error_fd)
{
	sigset_t none;
	char byte;
	int err;

	/* Until its exec it goes with us: nobody would let it go. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (read(release_fd, &byte, 1) != 1)
		_exit(1);
	prctl(PR_SET_PDEATHSIG, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	execvp(argv[0], argv);
	err = errno;
	if (write(error_fd, &err, sizeof(err)) != sizeof(err))
		_exit(126);
	_exit(127);
}

int command__start(char *const argv[], struct command *ret)
{
	int release[2], error[2], err;
	pid_t pid;

	if (pipe2(release, O_CLOEXEC))
		return -errno;
	if (pipe2(error, O_CLOEXEC)) {
		err = -errno;
		goto out_release;
	}
	pid = fork();
	if (pid < 0) {
		err = -errno;
		goto out_error;
	}
	if (!pid) {
		close(release[1]);
		close(error[0]);
		child__run(argv, release[0], error[1]);
	}
	close(release[0]);
	close(error[1]);
	*ret = (struct command){.pid = pid, .release_fd = release[1], .error_fd = error[0]};
	return 0;
out_error:
	close(error[0]);
	close(error[1]);
out_release:
	close(release[0]);
	close(release[1]);
	return err;
}

int command__release(struct command *command)
{
	int err = 0;

	if (write(command->release_fd, "", 1) != 1)
		return -errno;
	if (read(command->error_fd, &err, sizeof(err)) != sizeof(err))
		err = 0; /* closed by the exec */
	close(command->release_fd);
	close(command->error_fd);
	command->release_fd = command->error_fd = -1;
	if (err)
		waitpid(command->pid, NULL, 0);
	return -err;
}

bool command__has_ended(const struct command *command, int *ret_status)
{
	int status;

	if (waitpid(command->pid, &status, WNOHANG) != command->pid)
		return false;
	*ret_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	return true;
}

void command__cancel(struct command *command)
{
	if (command->release_fd < 0)
		return;
	close(command->release_fd);
	close(command->error_fd);
	command->release_fd = command->error_fd = -1;
	waitpid(command->pid, NULL, 0);
}

int command__find(const char *name, char *ret, size_t size)
{
	const char *folder = getenv("PATH"), *end;

	if (strchr(name, '/'))
		return snprintf(ret, size, "%s", name) < (int)size ? 0 : -ENAMETOOLONG;
	for (; folder; folder = *end ? end + 1 : NULL) {
		end = strchrnul(folder, ':');
		if (snprintf(ret, size, "%.*s%s%s", (int)(end - folder), folder,
			    end > folder ? "/" : "", name) < (int)size &&
			!access(ret, X_OK))
			return 0;
	}
	return -ENOENT;
}
