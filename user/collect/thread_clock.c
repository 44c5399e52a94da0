// SPDX-License-Identifier: GPL-2.0
/* One perf event a thread, counted while the thread runs. */
#include "collect/thread_clock.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "collect/shared.h"
#include "thread_clock.skel.h"

#define CLOCKS_MAX 256    /* threads that run at a time; what is beyond has no stack */
#define PERIOD_NS  200000 /* of the thread's own time */

struct thread_clock {
	struct shared *shared;
	struct thread_clock_bpf *bpf;
	struct bpf_link *links[CLOCKS_MAX];
	uint32_t tids[CLOCKS_MAX];
	int cnt;
};

int thread_clock__open(struct shared *shared, struct thread_clock **ret, const char **ret_reason)
{
	struct thread_clock *clock = calloc(1, sizeof(*clock));
	int err;

	*ret_reason = "cannot open the program that meets running threads";
	if (!clock)
		return -ENOMEM;
	clock->shared = shared;
	clock->bpf = thread_clock_bpf__open();
	if (!clock->bpf) {
		err = -errno;
		goto out;
	}
	bpf_program__set_autoload(clock->bpf->progs.thread_sample, true);
	*ret_reason = "cannot load the program that meets running threads";
	err = shared__load(shared, clock->bpf->skeleton);
	if (err)
		goto out;
	*ret = clock;
	return 0;
out:
	thread_clock__close(clock);
	return err;
}

void thread_clock__close(struct thread_clock *clock)
{
	if (!clock)
		return;
	thread_clock__stop(clock);
	if (clock->bpf)
		shared__remove(clock->shared, clock->bpf->obj);
	thread_clock_bpf__destroy(clock->bpf);
	free(clock);
}

int thread_clock__start(struct thread_clock *clock, uint32_t tid)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = PERIOD_NS,
	};
	struct bpf_link *link;
	int i, fd, err;

	for (i = 0; i < clock->cnt; i++)
		if (clock->tids[i] == tid)
			return 0;
	if (clock->cnt == CLOCKS_MAX)
		return -ENOSPC;
	fd = (int)syscall(SYS_perf_event_open, &attr, (pid_t)tid, -1, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		return -errno;
	link = bpf_program__attach_perf_event(clock->bpf->progs.thread_sample, fd);
	if (!link) {
		err = -errno;
		close(fd);
		return err;
	}
	clock->links[clock->cnt] = link;
	clock->tids[clock->cnt++] = tid;
	return 0;
}

bool thread_clock__take(struct thread_clock *clock, uint32_t tid, struct thread_sample *ret)
{
	int map_fd = bpf_map__fd(clock->bpf->maps.thread_samples);

	if (bpf_map_lookup_elem(map_fd, &tid, ret))
		return false;
	bpf_map_delete_elem(map_fd, &tid);
	return true;
}

void thread_clock__stop(struct thread_clock *clock)
{
	int map_fd = bpf_map__fd(clock->bpf->maps.thread_samples), i;

	for (i = 0; i < clock->cnt; i++) {
		bpf_link__destroy(clock->links[i]);
		bpf_map_delete_elem(map_fd, &clock->tids[i]);
	}
	clock->cnt = 0;
}
