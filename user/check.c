// SPDX-License-Identifier: GPL-2.0
/* --check: not what a version or a configuration promises, but what happens when it is tried. */
#include "check.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "capture.h"
#include "collect/sched.h"
#include "collect/uprobe.h"
#include "options.h"
#include "privileges.h"
#include "run.h"

#define FILES_MIN 4096 /* perf events of many CPUs, and the binaries of a host's processes */
#define TEXT_MAX  320

enum grade { GRADE_YES, GRADE_LESS, GRADE_NO };

struct check {
	FILE *out;
	unsigned int gap_cnt;
};

__attribute__((format(printf, 4, 5))) static void check__row(
	struct check *check, const char *what, enum grade grade, const char *format, ...)
{
	static const char *const words[] = {
		[GRADE_YES] = "yes", [GRADE_LESS] = "less", [GRADE_NO] = "no"};
	char text[TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(check->out, "%-24s  %-4s  %s\n", what, words[grade], text);
	check->gap_cnt += grade == GRADE_NO;
}

/* ---- the kernel ---- */

static void check__kernel(struct check *check)
{
	unsigned int major = 0, minor = 0;
	struct utsname name;

	if (uname(&name) || sscanf(name.release, "%u.%u", &major, &minor) != 2)
		check__row(check, "kernel", GRADE_NO, "its version is not known; 6.1 is needed");
	else if (major < 6 || (major == 6 && minor < 1))
		check__row(check, "kernel", GRADE_NO,
			"%.60s is older than 6.1: some programs will not load", name.release);
	else
		check__row(check, "kernel", GRADE_YES, "%.60s %.30s", name.release, name.machine);
	if (access("/sys/kernel/btf/vmlinux", R_OK))
		check__row(check, "BTF", GRADE_NO,
			"/sys/kernel/btf/vmlinux: %s; nothing runs without it: use a kernel with "
			"CONFIG_DEBUG_INFO_BTF",
			strerror(errno));
	else
		check__row(check, "BTF", GRADE_YES, "/sys/kernel/btf/vmlinux");
}

static void check__perf_events(struct check *check)
{
	int level = privileges__perf_event_paranoid();

	if (level > 2 && !privileges__has(CAP_SYS_ADMIN))
		check__row(check, "perf_event_paranoid", GRADE_NO,
			"%d: kernels with this level, such as Debian's, want CAP_SYS_ADMIN for perf events: "
			"no profile; sysctl kernel.perf_event_paranoid=2",
			level);
	else if (level > 2)
		check__row(check, "perf_event_paranoid", GRADE_YES,
			"%d: CAP_SYS_ADMIN is there, and is kept while bpfprof runs; 2 lets it go",
			level);
	else
		check__row(check, "perf_event_paranoid", GRADE_YES, "%d", level);
}

static void check__limits(struct check *check)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	if (limit.rlim_max < FILES_MIN)
		check__row(check, "open files", GRADE_NO,
			"at most %llu (ulimit -Hn): on a host with many processes some files cannot be "
			"opened, and their functions have no names",
			(unsigned long long)limit.rlim_max);
	else
		check__row(check, "open files", GRADE_YES, "up to %llu",
			(unsigned long long)limit.rlim_max);
}

/* ---- privileges ---- */

static void check__capabilities(struct check *check)
{
	static const struct {
		int cap;
		enum grade without;
		const char *name, *use, *cost;
	} rows[] = {
		{CAP_BPF, GRADE_NO, "CAP_BPF", "loads programs",
			"no program can be loaded: nothing works"},
		{CAP_PERFMON, GRADE_NO, "CAP_PERFMON",
			"attaches them to the scheduler, clocks and functions",
			"no program may read the kernel or take samples: nothing works"},
		{CAP_SYS_PTRACE, GRADE_NO, "CAP_SYS_PTRACE", "reads which files a process maps",
			"processes of other users, or with more privileges: stacks are cut, and their "
			"functions have no names"},
		{CAP_DAC_READ_SEARCH, GRADE_NO, "CAP_DAC_READ_SEARCH",
			"reads every user's binaries and the cgroups' names",
			"binaries that only their owner may read: no names, cut stacks; no cgroup label"},
		{CAP_SYSLOG, GRADE_NO, "CAP_SYSLOG", "reads the addresses of kernel functions",
			"kernel functions may have no names (see below)"},
		{CAP_CHECKPOINT_RESTORE, GRADE_LESS, "CAP_CHECKPOINT_RESTORE",
			"reads files that were deleted or replaced while processes run on them",
			"files that were deleted or replaced while processes run on them (an upgrade): no "
			"names, cut stacks, no heap profile"},
	};
	uint64_t have = privileges__effective();
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool is_there = have & CAP_MASK(rows[i].cap);
		/* capabilities(7): what these were split off from still stands for them. */
		bool by_admin = have & CAP_MASK(CAP_SYS_ADMIN) &&
				(rows[i].cap == CAP_BPF || rows[i].cap == CAP_PERFMON ||
					rows[i].cap == CAP_CHECKPOINT_RESTORE);

		check__row(check, rows[i].name, is_there || by_admin ? GRADE_YES : rows[i].without,
			"%s",
			is_there   ? rows[i].use
			: by_admin ? "not there, but CAP_SYS_ADMIN stands for it"
				   : rows[i].cost);
	}
}

static void check__kernel_names(struct check *check)
{
	FILE *file = fopen("/proc/kallsyms", "re");
	unsigned long long address = 0;
	bool is_read = file && fscanf(file, "%llx", &address) == 1;

	/* The first symbol of a kernel may lie at 0 (per CPU data): a later one tells. */
	while (is_read && !address && fscanf(file, "%*[^\n]%llx", &address) == 1)
		;
	if (file)
		fclose(file);
	if (address)
		check__row(check, "kernel functions", GRADE_YES, "have names (/proc/kallsyms)");
	else
		check__row(check, "kernel functions", GRADE_NO,
			"have no names: /proc/kallsyms %s; it takes CAP_SYSLOG and kernel.kptr_restrict below 2",
			is_read ? "shows no addresses" : "cannot be read");
}

/* ---- profiles: loaded, attached to this process, and taken away again ---- */

static int capture__try(const char *profile, struct capture **ret, const char **ret_reason)
{
	struct capture_options options = {.profiles = {profile},
		.profile_cnt = 1,
		.frequency_hz = 99,
		.heap_rate_bytes = 524288};
	struct capture *capture = NULL;
	int err = capture__open(&options, &capture, ret_reason);

	if (err)
		return err;
	*ret_reason = "cannot follow a process";
	err = capture__add_target(capture, getpid());
	if (!err)
		err = capture__start(capture, ret_reason);
	if (err)
		capture__free(capture);
	else
		*ret = capture;
	return err;
}

/* Beside what capture measures already, or alone: what one costs to load, all others then share. */
static int try_profile(const char *profile, struct capture **capture, const char **ret_reason)
{
	int err;

	if (!*capture)
		return capture__try(profile, capture, ret_reason);
	err = capture__add_profile(*capture, profile, ret_reason);
	if (!err)
		capture__remove_profile(*capture, profile);
	return err;
}

static int try_sched_lines(struct capture *capture, const char **ret_reason)
{
	struct sched *sched = NULL;
	int err = sched__open(capture__shared(capture), &sched, ret_reason);

	if (!err)
		err = sched__start(sched, ret_reason);
	sched__close(sched);
	return err;
}

static void check__heap(struct check *check, struct capture **capture)
{
	const char *reason = "";
	int err = try_profile("heap", capture, &reason);
	enum uprobe_kind kind = uprobe_kind__detect();

	if (err)
		check__row(check, "-P heap, heap lines", GRADE_NO, "%s: %s: no heap profile",
			reason, strerror(-err));
	else if (kind == UPROBE_SESSION)
		check__row(check, "-P heap, heap lines", GRADE_YES, "%s", uprobe_kind_names[kind]);
	else
		check__row(check, "-P heap, heap lines", GRADE_LESS,
			"%s: 0.5 us more a call than with uprobe.session (Linux 6.13)",
			uprobe_kind_names[kind]);
}

static void check__profile(struct check *check, const char *name, struct capture **capture)
{
	const char *reason = "";
	int err = try_profile(name, capture, &reason);
	char what[32];

	snprintf(what, sizeof(what), "-P %s", name);
	if (err)
		check__row(check, what, GRADE_NO, "%s: %s: no %s profile", reason, strerror(-err),
			name);
	else
		check__row(check, what, GRADE_YES, "loads and attaches");
}

static void check__profiles(struct check *check)
{
	struct capture *capture = NULL;
	const char *reason = "no profile can be taken";
	int err = -EPERM, i;

	for (i = 0; i < FEATURE_PROFILE_CNT; i++) {
		if (FEATURE_CPU + i == FEATURE_HEAP)
			check__heap(check, &capture);
		else
			check__profile(check, options_features[FEATURE_CPU + i].name, &capture);
	}
	if (capture)
		err = try_sched_lines(capture, &reason);
	if (err)
		check__row(check, "SCHED lines", GRADE_NO, "%s: %s: no lines, no run-queue figures",
			reason, strerror(-err));
	else
		check__row(check, "SCHED lines", GRADE_YES, "tp_btf");
	capture__free(capture);
}

int check(FILE *out)
{
	struct check check = {.out = out};

	libbpf_set_print(NULL); /* a row says it */
	fprintf(out, "%-24s  %-4s  %s\n", "WHAT", "HERE", "HOW, OR WHAT IT COSTS THAT IT IS NOT");
	check__kernel(&check);
	check__perf_events(&check);
	check__limits(&check);
	check__capabilities(&check);
	check__kernel_names(&check);
	check__profiles(&check);
	if (check.gap_cnt)
		fprintf(out,
			"%u of these are not there; run it as root, or see README.md, What a "
			"kernel gives\n",
			check.gap_cnt);
	else
		fprintf(out, "everything works here\n");
	if (fflush(out) || ferror(out))
		return EXIT_RUN_TIME;
	return check.gap_cnt ? EXIT_RUN_TIME : 0;
}
