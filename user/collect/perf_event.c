// SPDX-License-Identifier: GPL-2.0
/* Opening software events. They exist on every machine; hardware counters do not exist in most guests. */
#include "collect/perf_event.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

struct cpu_event {
	struct bpf_link *link;
	int cpu;
};

struct cpu_clock {
	struct bpf_program *program;
	uint64_t config;
	struct cpu_event *events;
	int cnt;
};

void cpu_clock__close(struct cpu_clock *clock)
{
	int i;

	if (!clock)
		return;
	for (i = 0; i < clock->cnt; i++)
		bpf_link__destroy(clock->events[i].link); /* closes the event too */
	free(clock->events);
	free(clock);
}

/* -ENODEV: the CPU is offline. */
static int event__open(
	const struct cpu_clock *clock, int cpu, uint64_t period, struct bpf_link **ret)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = clock->config,
		.sample_period = period,
	};
	int fd = (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	struct bpf_link *link;
	int err;

	if (fd < 0)
		return -errno;
	link = bpf_program__attach_perf_event(clock->program, fd);
	if (!link) {
		err = -errno;
		close(fd);
		return err;
	}
	*ret = link;
	return 0;
}

int cpu_event__open(
	struct bpf_program *program, uint64_t config, uint64_t period, struct cpu_clock **ret)
{
	struct cpu_clock *clock = calloc(1, sizeof(*clock));
	int cpu_cnt = libbpf_num_possible_cpus(), cpu, err = -ENOMEM;

	if (!clock)
		return -ENOMEM;
	clock->program = program;
	clock->config = config;
	if (cpu_cnt > 0)
		clock->events = calloc((size_t)cpu_cnt, sizeof(*clock->events));
	for (cpu = 0; clock->events && cpu < cpu_cnt; cpu++) {
		struct cpu_event *event = &clock->events[clock->cnt];

		err = event__open(clock, cpu, period, &event->link);
		if (err && err != -ENODEV)
			break;
		event->cpu = cpu;
		clock->cnt += !err;
		err = 0;
	}
	if (!err && !clock->cnt)
		err = -ENODEV;
	if (err) {
		cpu_clock__close(clock);
		return err;
	}
	*ret = clock;
	return 0;
}

int cpu_clock__open(struct bpf_program *program, uint64_t period_ns, struct cpu_clock **ret,
	const char **ret_reason)
{
	*ret_reason = "cannot open a CPU clock";
	return cpu_event__open(program, PERF_COUNT_SW_CPU_CLOCK, period_ns, ret);
}

int cpu_clock__set_period(struct cpu_clock *clock, uint64_t period_ns)
{
	struct bpf_link *link;
	int i, err;

	for (i = 0; i < clock->cnt; i++) {
		err = event__open(clock, clock->events[i].cpu, period_ns, &link);
		if (err == -ENODEV)
			continue;
		if (err)
			return err;
		bpf_link__destroy(clock->events[i].link);
		clock->events[i].link = link;
	}
	return 0;
}
