// SPDX-License-Identifier: GPL-2.0
/* The block, mutex and sched profiles: three collectors over one set of programs, so that a switch runs one program. */
#include "collect/offcpu.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "collect/collector.h"
#include "collect/drain.h"
#include "collect/shared.h"
#include "offcpu_stats.h"
#include "thread.h"
#include "offcpu.skel.h"
#include "offcpu_pass.skel.h"

#define ROUNDS_MAX 3 /* in which stacks are taken again; a table leads to the next frame's file */
#define TABLES_NS  300000000ull /* so long tables are waited for, each time */

/* In the order in which they are attached: forks, then (by a pass) the threads that there are, then what moves them. */
enum {
	LINK_NEWTASK,
	LINK_EXIT,
	LINK_SWITCH,
	LINK_WAKEUP,
	LINK_WAKEUP_NEW,
	LINK_WAKING,
	LINK_SWITCH_END,
	LINK_CNT
};

/* The programs and who uses them. */
struct offcpu {
	struct shared *shared;
	struct offcpu_bpf *bpf;
	struct bpf_link *threads_link; /* of the pass over threads */
	struct offcpu_pass_bpf *pass;  /* takes stacks before it; NULL: this kernel cannot */
	struct bpf_link *pass_link;
	struct bpf_link *links[LINK_CNT];
	unsigned int user_cnt;
	uint32_t started; /* OFFCPU_BLOCK | ... */
	bool has_switch_end;
};

struct collector {
	struct offcpu *offcpu;
	uint32_t profile; /* OFFCPU_BLOCK, ... */
};

/* The one that is loaded; a capture's collectors find each other by it. */
static struct offcpu *loaded;

static void offcpu__unload_pass(struct offcpu *offcpu)
{
	bpf_link__destroy(offcpu->pass_link);
	offcpu->pass_link = NULL;
	if (offcpu->pass)
		shared__remove(offcpu->shared, offcpu->pass->obj);
	offcpu_pass_bpf__destroy(offcpu->pass);
	offcpu->pass = NULL;
}

/* Without it some waits have no stack, which is counted; all else goes on. */
static void offcpu__load_pass(struct offcpu *offcpu)
{
	int err = -ENOMEM;

	offcpu->pass = offcpu_pass_bpf__open();
	if (!offcpu->pass)
		return;
	bpf_program__set_autoload(offcpu->pass->progs.offcpu_pass, true);
	err = bpf_map__reuse_fd(offcpu->pass->maps.offcpu_threads_states,
		bpf_map__fd(offcpu->bpf->maps.offcpu_threads_states));
	if (!err)
		err = shared__load(offcpu->shared, offcpu->pass->skeleton);
	if (!err) {
		offcpu->pass_link = bpf_program__attach_iter(offcpu->pass->progs.offcpu_pass, NULL);
		err = offcpu->pass_link ? 0 : -errno;
	}
	if (err)
		offcpu__unload_pass(offcpu);
}

static void offcpu__free(struct offcpu *offcpu)
{
	if (!offcpu)
		return;
	offcpu__unload_pass(offcpu);
	bpf_link__destroy(offcpu->threads_link);
	if (offcpu->bpf)
		shared__remove(offcpu->shared, offcpu->bpf->obj);
	offcpu_bpf__destroy(offcpu->bpf);
	free(offcpu);
}

static int offcpu__load(struct shared *shared, struct offcpu **ret, const char **ret_reason)
{
	struct offcpu *offcpu = calloc(1, sizeof(*offcpu));
	struct bpf_program *program;
	int err = -ENOMEM;

	if (!offcpu)
		return -ENOMEM;
	offcpu->shared = shared;
	*ret_reason = "cannot open the off-CPU programs";
	offcpu->bpf = offcpu_bpf__open();
	if (!offcpu->bpf) {
		err = -errno;
		goto out;
	}
	bpf_object__for_each_program(program, offcpu->bpf->obj)
		bpf_program__set_autoload(program, true);
	/* Since 6.14; without it a few waits have no stack, which is counted. */
	offcpu->has_switch_end = libbpf_find_vmlinux_btf_id("sched_exit_tp", BPF_TRACE_RAW_TP) > 0;
	bpf_program__set_autoload(offcpu->bpf->progs.offcpu_switch_end, offcpu->has_switch_end);
	*ret_reason = "cannot load the off-CPU programs";
	err = shared__load(shared, offcpu->bpf->skeleton);
	if (err)
		goto out;
	*ret_reason = "cannot make the pass over threads";
	offcpu->threads_link = bpf_program__attach_iter(offcpu->bpf->progs.offcpu_threads, NULL);
	err = offcpu->threads_link ? 0 : -errno;
	if (!err)
		offcpu__load_pass(offcpu);
out:
	if (err)
		offcpu__free(offcpu);
	else
		*ret = offcpu;
	return err;
}

/* Runs an iterator over all threads to its end. */
static int iterator__run(const struct bpf_link *link)
{
	char buf[256];
	ssize_t got;
	int fd = bpf_iter_create(bpf_link__fd(link)), err = 0;

	if (fd < 0)
		return -errno;
	do {
		got = read(fd, buf, sizeof(buf));
		if (got < 0 && errno != EINTR && errno != EAGAIN)
			err = -errno;
	} while (!err && got);
	close(fd);
	return err;
}

/* At the start: finds the threads that there are, and where they wait. */
static int offcpu__find_threads(struct offcpu *offcpu)
{
	int err;

	offcpu->bpf->bss->offcpu_control.want_reset = 1;
	err = iterator__run(offcpu->threads_link);
	offcpu->bpf->bss->offcpu_control.want_reset = 0;
	if (offcpu->pass_link)
		iterator__run(offcpu->pass_link);
	return err;
}

/* Takes stacks that were cut, or not taken, of threads that still wait: what they need is built meanwhile. */
static void offcpu__complete_stacks(struct offcpu *offcpu, const struct collector_host *host)
{
	struct offcpu_pass_control *control;
	int round;

	if (!offcpu->pass_link)
		return;
	control = &offcpu->pass->bss->offcpu_pass_control;
	for (round = 0; round < ROUNDS_MAX; round++) {
		host->absorb(host->arg, TABLES_NS);
		control->cut_cnt = 0;
		iterator__run(offcpu->pass_link);
		if (!control->cut_cnt)
			break;
	}
}

static int offcpu__attach(struct offcpu *offcpu, int link)
{
	struct bpf_program *programs[LINK_CNT] = {
		[LINK_NEWTASK] = offcpu->bpf->progs.offcpu_newtask,
		[LINK_EXIT] = offcpu->bpf->progs.offcpu_exit,
		[LINK_SWITCH] = offcpu->bpf->progs.offcpu_switch,
		[LINK_WAKEUP] = offcpu->bpf->progs.offcpu_wakeup,
		[LINK_WAKEUP_NEW] = offcpu->bpf->progs.offcpu_wakeup_new,
		[LINK_WAKING] = offcpu->bpf->progs.offcpu_waking,
		[LINK_SWITCH_END] = offcpu->bpf->progs.offcpu_switch_end,
	};

	if (offcpu->links[link])
		return 0;
	offcpu->links[link] = bpf_program__attach(programs[link]);
	return offcpu->links[link] ? 0 : -errno;
}

static void offcpu__detach(struct offcpu *offcpu, int link)
{
	bpf_link__destroy(offcpu->links[link]);
	offcpu->links[link] = NULL;
}

static int offcpu__start(struct offcpu *offcpu, uint32_t profile)
{
	bool is_first = !offcpu->started;
	int err = offcpu__attach(offcpu, LINK_NEWTASK);

	if (!err)
		err = offcpu__attach(offcpu, LINK_EXIT);
	if (!err && is_first)
		err = offcpu__find_threads(offcpu);
	offcpu->bpf->bss->offcpu_control.enabled |= profile;
	offcpu->started |= profile;
	if (!err)
		err = offcpu__attach(offcpu, LINK_SWITCH);
	/* A wait for a CPU that is seen to begin must be seen to end. */
	if (!err && profile == OFFCPU_SCHED)
		err = offcpu__attach(offcpu, LINK_WAKEUP);
	if (!err)
		err = offcpu__attach(offcpu, LINK_WAKEUP_NEW);
	if (!err && profile == OFFCPU_MUTEX)
		err = offcpu__attach(offcpu, LINK_WAKING);
	if (!err && profile != OFFCPU_MUTEX && offcpu->has_switch_end) {
		err = offcpu__attach(offcpu, LINK_SWITCH_END);
		offcpu->bpf->bss->offcpu_control.has_switch_end = !err;
	}
	return err;
}

static void offcpu__stop(struct offcpu *offcpu, uint32_t profile)
{
	int link;

	if (!(offcpu->started & profile))
		return;
	offcpu->started &= ~profile;
	offcpu->bpf->bss->offcpu_control.enabled = offcpu->started;
	if (profile == OFFCPU_SCHED)
		offcpu__detach(offcpu, LINK_WAKEUP);
	if (profile == OFFCPU_MUTEX)
		offcpu__detach(offcpu, LINK_WAKING);
	for (link = LINK_CNT; !offcpu->started && link-- > 0;)
		offcpu__detach(offcpu, link);
}

static int collector__open(
	struct shared *shared, uint32_t profile, struct collector **ret, const char **ret_reason)
{
	struct collector *collector = calloc(1, sizeof(*collector));
	int err = 0;

	*ret_reason = "out of memory";
	if (!collector)
		return -ENOMEM;
	if (!loaded || loaded->shared != shared)
		err = offcpu__load(shared, &loaded, ret_reason);
	if (err) {
		free(collector);
		return err;
	}
	loaded->user_cnt++;
	collector->offcpu = loaded;
	collector->profile = profile;
	*ret = collector;
	return 0;
}

static int collector__start(struct collector *collector, const char **ret_reason)
{
	int err = offcpu__start(collector->offcpu, collector->profile);

	if (err) {
		*ret_reason = "cannot attach to the scheduler's tracepoints";
		offcpu__stop(collector->offcpu, collector->profile);
	}
	return err;
}

static void collector__stop(struct collector *collector)
{
	offcpu__stop(collector->offcpu, collector->profile);
}

/* Once for all profiles that share the programs. */
static int collector__settle(struct collector *collector, const struct collector_host *host)
{
	struct offcpu *offcpu = collector->offcpu;

	if (collector->profile != (offcpu->started & -offcpu->started))
		return 0;
	offcpu__complete_stacks(offcpu, host);
	return iterator__run(offcpu->threads_link);
}

static int collector__drain(
	struct collector *collector, int parity, collector_sample_fn fn, void *arg)
{
	struct offcpu_bpf *bpf = collector->offcpu->bpf;
	struct bpf_map *samples, *lost;
	int err;

	if (collector->profile == OFFCPU_BLOCK) {
		samples = parity ? bpf->maps.block_samples_1 : bpf->maps.block_samples_0;
		lost = bpf->maps.block_lost;
	} else if (collector->profile == OFFCPU_MUTEX) {
		samples = parity ? bpf->maps.mutex_samples_1 : bpf->maps.mutex_samples_0;
		lost = bpf->maps.mutex_lost;
	} else {
		samples = parity ? bpf->maps.sched_samples_1 : bpf->maps.sched_samples_0;
		lost = bpf->maps.sched_lost;
	}
	err = drain__samples(bpf_map__fd(samples), fn, arg);
	return err ? err : drain__lost(bpf_map__fd(lost), parity, fn, arg);
}

static void collector__close(struct collector *collector)
{
	struct offcpu *offcpu;

	if (!collector)
		return;
	offcpu = collector->offcpu;
	offcpu__stop(offcpu, collector->profile);
	free(collector);
	if (--offcpu->user_cnt)
		return;
	if (loaded == offcpu)
		loaded = NULL;
	offcpu__free(offcpu);
}

const char *offcpu__missing(void)
{
	if (!loaded || !(loaded->started & (OFFCPU_BLOCK | OFFCPU_SCHED)))
		return NULL;
	if (!loaded->pass_link)
		return "an iterator over threads that may sleep: waits that began before the attach, and "
		       "long ones that were not sampled, have no stack";
	if (!loaded->has_switch_end)
		return "the tracepoint sched_exit_tp (Linux 6.14): a few long waits that were not sampled "
		       "have no stack";
	return NULL;
}

int offcpu__each_process(
	int (*fn)(const struct offcpu_process *, const struct offcpu_totals *, void *), void *arg)
{
	struct offcpu_process key, *previous = NULL;
	struct offcpu_totals totals;
	int fd, err = 0;

	if (!loaded)
		return 0;
	fd = bpf_map__fd(loaded->bpf->maps.offcpu_processes);
	while (!err && !bpf_map_get_next_key(fd, previous, &key)) {
		if (!bpf_map_lookup_elem(fd, &key, &totals))
			err = fn(&key, &totals, arg);
		previous = &key;
	}
	return err;
}

static int block__open(struct shared *shared, struct collector **ret, const char **ret_reason)
{
	return collector__open(shared, OFFCPU_BLOCK, ret, ret_reason);
}

static int mutex__open(struct shared *shared, struct collector **ret, const char **ret_reason)
{
	return collector__open(shared, OFFCPU_MUTEX, ret, ret_reason);
}

static int sched__open(struct shared *shared, struct collector **ret, const char **ret_reason)
{
	return collector__open(shared, OFFCPU_SCHED, ret, ret_reason);
}

#define OFFCPU_COLLECTOR(profile)                                                                  \
	const struct collector_ops collector_##profile = {                                         \
		.name = #profile,                                                                  \
		.open = profile##__open,                                                           \
		.start = collector__start,                                                         \
		.settle = collector__settle,                                                       \
		.stop = collector__stop,                                                           \
		.drain = collector__drain,                                                         \
		.close = collector__close,                                                         \
	}

OFFCPU_COLLECTOR(block);
OFFCPU_COLLECTOR(mutex);
OFFCPU_COLLECTOR(sched);
