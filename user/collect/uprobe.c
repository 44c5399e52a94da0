// SPDX-License-Identifier: GPL-2.0
/* Probes on user code. libbpf 1.1 knows nothing of uprobe.multi and uprobe.session: their links are made by hand. */
#include "collect/uprobe.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

const char *const uprobe_kind_names[UPROBE_KIND_CNT] = {
	[UPROBE_SESSION] = "uprobe.session",
	[UPROBE_MULTI] = "uprobe.multi",
	[UPROBE_PERF] = "uprobe and uretprobe",
};

#define MULTI_RETURN 1u /* BPF_F_UPROBE_MULTI_RETURN */

/* link_create of union bpf_attr, with its uprobe_multi member (include/uapi/linux/bpf.h since 6.6). */
struct link_create_multi {
	uint32_t prog_fd;
	uint32_t target_fd;
	uint32_t attach_type;
	uint32_t flags;
	uint64_t path;
	uint64_t offsets;
	uint64_t ref_ctr_offsets;
	uint64_t cookies;
	uint32_t cnt;
	uint32_t multi_flags;
	uint32_t pid;
	uint32_t pad;
};

static int multi__create(struct link_create_multi *attr)
{
	int fd = (int)syscall(SYS_bpf, BPF_LINK_CREATE, attr, sizeof(*attr));

	return fd < 0 ? -errno : fd;
}

/* A kernel that has this kind refuses a folder by -EBADF; another one refuses the call. */
static int kind__is_there(uint32_t attach_type)
{
	static const struct bpf_insn insns[] = {
		{.code = 0xb7}, /* r0 = 0 */
		{.code = 0x95}, /* exit */
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = attach_type);
	uint64_t offset = 0;
	struct link_create_multi attr = {
		.attach_type = attach_type,
		.path = (uintptr_t) "/",
		.offsets = (uintptr_t)&offset,
		.cnt = 1,
	};
	int program = bpf_prog_load(BPF_PROG_TYPE_KPROBE, NULL, "GPL", insns, 2, &opts), link;

	if (program < 0)
		return 0;
	attr.prog_fd = (uint32_t)program;
	link = multi__create(&attr);
	if (link >= 0)
		close(link);
	close(program);
	return link == -EBADF;
}

enum uprobe_kind uprobe_kind__detect(void)
{
	if (kind__is_there(UPROBE_ATTACH_SESSION))
		return UPROBE_SESSION;
	return kind__is_there(UPROBE_ATTACH_MULTI) ? UPROBE_MULTI : UPROBE_PERF;
}

static int links__keep(struct uprobe_links *links, int fd)
{
	int *fds = reallocarray(links->fds, links->cnt + 1, sizeof(*fds));

	if (!fds) {
		close(fd);
		return -ENOMEM;
	}
	links->fds = fds;
	links->fds[links->cnt++] = fd;
	return 0;
}

static int links__add_multi(struct uprobe_links *links, struct bpf_program *program,
	const char *path, pid_t pid, const struct uprobe_site *sites, uint32_t cnt, int is_return)
{
	uint64_t *words = calloc(cnt, 3 * sizeof(*words));
	struct link_create_multi attr = {
		.prog_fd = (uint32_t)bpf_program__fd(program),
		.attach_type = (uint32_t)bpf_program__expected_attach_type(program),
		.path = (uintptr_t)path,
		.offsets = (uintptr_t)words,
		.cookies = (uintptr_t)(words + cnt),
		.ref_ctr_offsets = (uintptr_t)(words + 2 * (size_t)cnt),
		.cnt = cnt,
		.multi_flags = is_return ? MULTI_RETURN : 0,
		.pid = (uint32_t)pid,
	};
	uint32_t i;
	int fd;

	if (!words)
		return -ENOMEM;
	for (i = 0; i < cnt; i++) {
		words[i] = sites[i].offset;
		words[cnt + i] = sites[i].cookie;
		words[2 * (size_t)cnt + i] = sites[i].semaphore_offset;
	}
	fd = multi__create(&attr);
	free(words);
	return fd < 0 ? fd : links__keep(links, fd);
}

static int file__read_int(const char *path, const char *format)
{
	FILE *file = fopen(path, "re");
	int value = -ENOENT;

	if (!file)
		return -errno;
	if (fscanf(file, format, &value) != 1)
		value = -ENOENT;
	fclose(file);
	return value;
}

#define PMU "/sys/bus/event_source/devices/uprobe/"

#define SEMAPHORE_SHIFT 32 /* PERF_UPROBE_REF_CTR_OFFSET_SHIFT, format/ref_ctr_offset */

static int perf__open(const char *path, pid_t pid, const struct uprobe_site *site, int is_return)
{
	struct perf_event_attr attr = {.size = sizeof(attr)};
	int type = file__read_int(PMU "type", "%d"), bit, fd;

	if (type < 0)
		return type;
	attr.type = (uint32_t)type;
	if (is_return) {
		bit = file__read_int(PMU "format/retprobe", "config:%d");
		if (bit < 0 || bit > 63)
			return -ENOENT;
		attr.config = 1ull << bit;
	}
	if (site->semaphore_offset >> SEMAPHORE_SHIFT)
		return -EOVERFLOW;
	attr.config |= site->semaphore_offset << SEMAPHORE_SHIFT;
	attr.uprobe_path = (uintptr_t)path;
	attr.probe_offset = site->offset;
	fd = (int)syscall(SYS_perf_event_open, &attr, pid, -1, -1, PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* The event is a task's, but the kernel looks at its memory alone before it runs the program: each thread of the process
 * hits (uprobe_perf_func, kernel/trace/trace_uprobe.c). */
static int links__add_perf(struct uprobe_links *links, struct bpf_program *program,
	const char *path, pid_t pid, const struct uprobe_site *site, int is_return)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .perf_event.bpf_cookie = site->cookie);
	int event = perf__open(path, pid, site, is_return), link;

	if (event < 0)
		return event;
	link = bpf_link_create(bpf_program__fd(program), event, BPF_PERF_EVENT, &opts);
	if (link < 0)
		link = -errno;
	else if (ioctl(event, PERF_EVENT_IOC_ENABLE, 0)) {
		close(link);
		link = -errno;
	}
	close(event); /* lives as long as the link */
	return link < 0 ? link : links__keep(links, link);
}

void uprobe_links__cut(struct uprobe_links *links, uint32_t cnt)
{
	while (links->cnt > cnt)
		close(links->fds[--links->cnt]);
}

int uprobe_links__add(struct uprobe_links *links, enum uprobe_kind kind,
	struct bpf_program *program, int fd, pid_t pid, const struct uprobe_site *sites,
	uint32_t cnt, int is_return)
{
	uint32_t before = links->cnt, i;
	char path[64];
	int err = 0;

	if (!cnt)
		return 0;
	/* The file itself, whatever has its name in our root or in the process's. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (kind != UPROBE_PERF)
		return links__add_multi(links, program, path, pid, sites, cnt, is_return);
	for (i = 0; !err && i < cnt; i++)
		err = links__add_perf(links, program, path, pid, &sites[i], is_return);
	if (err)
		uprobe_links__cut(links, before);
	return err;
}

void uprobe_links__close(struct uprobe_links *links)
{
	uprobe_links__cut(links, 0);
	free(links->fds);
	*links = (struct uprobe_links){0};
}
