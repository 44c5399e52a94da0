// SPDX-License-Identifier: GPL-2.0
/* The stacks that created the threads that are alive. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collect/collector.h"
#include "collect/iterator.h"
#include "collect/shared.h"
#include "process/clock.h"
#include "thread.h"
#include "threadcreate.skel.h"

#define BATCH_RECORDS 256

struct collector {
	struct shared *shared;
	struct threadcreate_bpf *bpf;
	struct bpf_link *link;
	/* Of the read that is running. */
	collector_sample_fn fn;
	void *arg;
};

static int threadcreate__on_records(const void *records, size_t cnt, void *arg)
{
	static const uint64_t one[] = {1};
	const struct thread_record *record = records;
	struct collector *threadcreate = arg;
	size_t i;
	int err = 0;

	for (i = 0; !err && i < cnt; i++, record++) {
		struct sample_key key = {
			.stack = record->stack,
			.start_ns = record->start_ns,
			.cgroup = record->cgroup,
			.pid = record->pid,
			.tag = record->state,
		};

		memcpy(key.comm, record->comm, sizeof(key.comm));
		err = threadcreate->fn(&key, one, threadcreate->arg);
	}
	return err;
}

static int threadcreate__read(struct collector *threadcreate, const struct collector_host *host,
	collector_sample_fn fn, void *arg)
{
	host->absorb(host->arg, 0);
	threadcreate->fn = fn;
	threadcreate->arg = arg;
	return iterator__pass_targets(threadcreate->shared,
		threadcreate->bpf->progs.threadcreate_pass, sizeof(struct thread_record),
		BATCH_RECORDS, threadcreate__on_records, threadcreate);
}

static void threadcreate__stop(struct collector *threadcreate)
{
	bpf_link__destroy(threadcreate->link);
	threadcreate->link = NULL;
}

static void threadcreate__close(struct collector *threadcreate)
{
	if (!threadcreate)
		return;
	threadcreate__stop(threadcreate);
	if (threadcreate->bpf)
		shared__remove(threadcreate->shared, threadcreate->bpf->obj);
	threadcreate_bpf__destroy(threadcreate->bpf);
	free(threadcreate);
}

static int threadcreate__load(struct collector *threadcreate, const char **ret_reason)
{
	*ret_reason = "cannot open the programs that see threads created";
	threadcreate->bpf = threadcreate_bpf__open();
	if (!threadcreate->bpf)
		return -errno;
	bpf_program__set_autoload(threadcreate->bpf->progs.threadcreate_fork, true);
	bpf_program__set_autoload(threadcreate->bpf->progs.threadcreate_pass, true);
	*ret_reason = "cannot load the programs that see threads created";
	return shared__load(threadcreate->shared, threadcreate->bpf->skeleton);
}

static int threadcreate__open(
	struct shared *shared, struct collector **ret, const char **ret_reason)
{
	struct collector *threadcreate = calloc(1, sizeof(*threadcreate));
	int err;

	*ret_reason = "out of memory";
	if (!threadcreate)
		return -ENOMEM;
	threadcreate->shared = shared;
	err = threadcreate__load(threadcreate, ret_reason);
	if (!err)
		*ret = threadcreate;
	else
		threadcreate__close(threadcreate);
	return err;
}

static int threadcreate__start(struct collector *threadcreate, const char **ret_reason)
{
	*ret_reason = "cannot attach the program that sees threads created";
	threadcreate->link = bpf_program__attach(threadcreate->bpf->progs.threadcreate_fork);
	if (!threadcreate->link)
		return -errno;
	/* Afterwards: what is older and has no stack was created before anybody looked. */
	threadcreate->bpf->bss->threadcreate_control.attach_ns = clock__ns(CLOCK_BOOTTIME);
	return 0;
}

const struct collector_ops collector_threadcreate = {
	.name = "threadcreate",
	.open = threadcreate__open,
	.start = threadcreate__start,
	.stop = threadcreate__stop,
	.read = threadcreate__read,
	.keeps_stacks = true,
	.close = threadcreate__close,
};
