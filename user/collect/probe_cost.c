// SPDX-License-Identifier: GPL-2.0
/* Measures what a probe costs on this machine: it differs fifteenfold between instructions, and between machines. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collect/heap_guard.h"
#include "collect/heap_target.h"
#include "process/clock.h"
#include "process/proc.h"

#define STEPPED_CNT  300
#define EMULATED_CNT 2000
#define PROGRAM_NS   100 /* the calibration's cookie is nobody's: the program ends at once */

struct place {
	uint64_t addr, offset;
};

static int place__look(const struct proc_mapping *mapping, void *arg)
{
	struct place *place = arg;

	if (place->addr >= mapping->start && place->addr < mapping->end)
		place->offset = place->addr - mapping->start + mapping->offset;
	return 0;
}

static uint64_t function__offset(void (*function)(void *))
{
	struct place place = {.addr = (uintptr_t)function};

	proc_maps__each_exec(getpid(), place__look, &place);
	return place.offset;
}

static uint32_t function__time_ns(void (*volatile function)(void *), uint32_t cnt)
{
	uint64_t start_ns = clock__ns(CLOCK_THREAD_CPUTIME_ID);
	uint32_t i;

	for (i = 0; i < cnt; i++)
		function((void *)1);
	return (uint32_t)((clock__ns(CLOCK_THREAD_CPUTIME_ID) - start_ns) / cnt);
}

static void child__measure(int go_fd, int result_fd)
{
	uint32_t ns[2];
	char byte;

	if (read(go_fd, &byte, 1) != 1)
		_exit(1);
	ns[0] = function__time_ns(probe_cost__stepped, STEPPED_CNT);
	ns[1] = function__time_ns(probe_cost__emulated, EMULATED_CNT);
	_exit(write(result_fd, ns, sizeof(ns)) != sizeof(ns));
}

static int child__probe(const struct heap_programs *programs, pid_t pid, struct uprobe_links *links)
{
	const struct uprobe_site sites[] = {
		{function__offset(probe_cost__stepped), ~0ull, 0},
		{function__offset(probe_cost__emulated), ~0ull, 0},
	};
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	err = sites[0].offset && sites[1].offset ? uprobe_links__add(links, programs->kind,
							   programs->free, fd, pid, sites, 2, 0)
						 : -ENOENT;
	close(fd);
	return err;
}

int probe_cost__measure(const struct heap_programs *programs, uint32_t ret_ns[2])
{
	struct uprobe_links links = {0};
	int go[2], result[2], err = -EIO;
	pid_t pid;

	if (pipe2(go, O_CLOEXEC))
		return -errno;
	if (pipe2(result, O_CLOEXEC)) {
		err = -errno;
		goto out_go;
	}
	pid = fork();
	if (!pid) {
		close(go[1]);
		child__measure(go[0], result[1]);
	}
	if (pid < 0) {
		err = -errno;
		goto out_result;
	}
	close(result[1]);
	result[1] = -1;
	err = child__probe(programs, pid, &links);
	if (!err && write(go[1], "", 1) != 1)
		err = -errno;
	close(go[1]); /* unwritten, it ends the child */
	go[1] = -1;
	if (!err && read(result[0], ret_ns, 2 * sizeof(*ret_ns)) != 2 * sizeof(*ret_ns))
		err = -EIO;
	waitpid(pid, NULL, 0);
	uprobe_links__close(&links);
	if (!err)
		ret_ns[0] += PROGRAM_NS, ret_ns[1] += PROGRAM_NS;
out_result:
	close(result[0]);
	if (result[1] >= 0)
		close(result[1]);
out_go:
	close(go[0]);
	if (go[1] >= 0)
		close(go[1]);
	return err;
}
