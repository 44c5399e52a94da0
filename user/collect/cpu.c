// SPDX-License-Identifier: GPL-2.0
/* The CPU profile: a clock on each CPU, samples by stack. */
#include <errno.h>
#include <stdlib.h>

#include <bpf/bpf.h>

#include "collect/collector.h"
#include "collect/drain.h"
#include "collect/perf_event.h"
#include "collect/shared.h"
#include "cpu.skel.h"

struct collector {
	struct shared *shared;
	struct cpu_bpf *bpf;
	struct cpu_clock *clock;
};

static void cpu__stop(struct collector *cpu)
{
	cpu_clock__close(cpu->clock);
	cpu->clock = NULL;
}

static void cpu__close(struct collector *cpu)
{
	if (!cpu)
		return;
	cpu__stop(cpu);
	if (cpu->bpf)
		shared__remove(cpu->shared, cpu->bpf->obj);
	cpu_bpf__destroy(cpu->bpf);
	free(cpu);
}

static int cpu__load(struct collector *cpu, const char **ret_reason)
{
	*ret_reason = "cannot open the CPU sampling programs";
	cpu->bpf = cpu_bpf__open();
	if (!cpu->bpf)
		return -errno;
	bpf_program__set_autoload(cpu->bpf->progs.cpu_sample, true);
	*ret_reason = "cannot load the CPU sampling programs";
	return shared__load(cpu->shared, cpu->bpf->skeleton);
}

static int cpu__open(struct shared *shared, struct collector **ret, const char **ret_reason)
{
	struct collector *cpu = calloc(1, sizeof(*cpu));
	int err = -ENOMEM;

	*ret_reason = "out of memory";
	if (!cpu)
		return -ENOMEM;
	cpu->shared = shared;
	err = cpu__load(cpu, ret_reason);
	if (!err)
		*ret = cpu;
	else
		cpu__close(cpu);
	return err;
}

static int64_t cpu__period(const struct collector *cpu)
{
	return (int64_t)shared__options(cpu->shared)->period_ns;
}

static int cpu__start(struct collector *cpu, const char **ret_reason)
{
	return cpu_clock__open(cpu->bpf->progs.cpu_sample, shared__options(cpu->shared)->period_ns,
		&cpu->clock, ret_reason);
}

static int cpu__thin(struct collector *cpu, uint32_t thin)
{
	return cpu_clock__set_period(cpu->clock, shared__options(cpu->shared)->period_ns << thin);
}

static int cpu__drain(struct collector *cpu, int parity, collector_sample_fn fn, void *arg)
{
	struct bpf_map *samples = parity ? cpu->bpf->maps.cpu_samples_1
					 : cpu->bpf->maps.cpu_samples_0;
	int err = drain__samples(bpf_map__fd(samples), fn, arg);

	return err ? err : drain__lost(bpf_map__fd(cpu->bpf->maps.cpu_lost), parity, fn, arg);
}

const struct collector_ops collector_cpu = {
	.name = "cpu",
	.open = cpu__open,
	.period = cpu__period,
	.start = cpu__start,
	.stop = cpu__stop,
	.thin = cpu__thin,
	.drain = cpu__drain,
	.close = cpu__close,
};
