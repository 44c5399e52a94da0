// SPDX-License-Identifier: GPL-2.0
/* Why something of the kernel's was refused, and what to do about it. */
#include "failure.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "privileges.h"

void failure__log(const char *reason, int err)
{
	if (access("/sys/kernel/btf/vmlinux", R_OK))
		log__error(
			"%s: this kernel has no BTF (/sys/kernel/btf/vmlinux); use one built with "
			"CONFIG_DEBUG_INFO_BTF, as distributions' kernels are",
			reason);
	else if ((err == -EPERM || err == -EACCES) && privileges__has(CAP_SYS_ADMIN))
		/* The verifier of an older kernel says so too. */
		log__error("%s: %s, though all rights are there; -v shows what the kernel said",
			reason, strerror(-err));
	else if (err == -EACCES && privileges__perf_event_paranoid() > 2)
		log__error(
			"%s: %s; kernel.perf_event_paranoid is above 2, so that this kernel asks for "
			"CAP_SYS_ADMIN too: run it as root, or set kernel.perf_event_paranoid=2",
			reason, strerror(-err));
	else if (err == -EPERM || err == -EACCES)
		log__error("%s: %s; run it as root, or with CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE, "
			   "CAP_DAC_READ_SEARCH and CAP_SYSLOG",
			reason, strerror(-err));
	else
		log__error("%s: %s; -v shows what the kernel said", reason, strerror(-err));
}

int failure__print_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	char *text = NULL, *line, *rest;

	/* What the verifier said of a refused program has many lines: each is one of ours. */
	if (level == LIBBPF_DEBUG || vasprintf(&text, format, args) < 0)
		return 0;
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		log__debug("%s", line);
	free(text);
	return 0;
}
