// SPDX-License-Identifier: GPL-2.0
/* The profile of page faults: which stacks touch memory that is not there yet, and how much of it. */
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "collect/collector.h"
#include "collect/drain.h"
#include "collect/perf_event.h"
#include "collect/shared.h"
#include "faults.h"
#include "faults.skel.h"

#define HUGE_PAGES "/sys/kernel/mm/transparent_hugepage/"

struct collector {
	struct shared *shared;
	struct faults_bpf *bpf;
	struct cpu_clock *minor, *major;
	struct bpf_link
		*huge; /* NULL: this kernel has no huge pages, or does not show when it gives one */
};

static void faults__stop(struct collector *faults)
{
	cpu_clock__close(faults->minor);
	cpu_clock__close(faults->major);
	bpf_link__destroy(faults->huge);
	faults->minor = faults->major = NULL;
	faults->huge = NULL;
}

static void faults__close(struct collector *faults)
{
	if (!faults)
		return;
	faults__stop(faults);
	if (faults->bpf)
		shared__remove(faults->shared, faults->bpf->obj);
	faults_bpf__destroy(faults->bpf);
	free(faults);
}

static bool huge_pages__are_off(void)
{
	FILE *file = fopen(HUGE_PAGES "enabled", "re");
	char line[64] = "";
	bool off = !file || !fgets(line, sizeof(line), file) || strstr(line, "[never]");

	if (file)
		fclose(file);
	return off;
}

/* 2^order pages; 0: there are none. */
static uint32_t huge_page__order(uint32_t page_bytes)
{
	FILE *file = huge_pages__are_off() ? NULL : fopen(HUGE_PAGES "hpage_pmd_size", "re");
	unsigned int bytes = 0, order = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%u", &bytes) != 1)
		bytes = 0;
	fclose(file);
	while (bytes > page_bytes << order && order < 20)
		order++;
	return order;
}

static int faults__load(struct collector *faults, const char **ret_reason)
{
	struct faults_options *options;

	*ret_reason = "cannot open the page fault programs";
	faults->bpf = faults_bpf__open();
	if (!faults->bpf)
		return -errno;
	/* rodata is ours to fill before the load */
	options = (struct faults_options *)&faults->bpf->rodata->faults_options;
	options->page_bytes = (uint32_t)sysconf(_SC_PAGESIZE);
	options->huge_order = huge_page__order(options->page_bytes);
	bpf_program__set_autoload(faults->bpf->progs.fault_minor, true);
	bpf_program__set_autoload(faults->bpf->progs.fault_major, true);
	bpf_program__set_autoload(faults->bpf->progs.fault_page_alloc, options->huge_order > 0);
	*ret_reason = "cannot load the page fault programs";
	return shared__load(faults->shared, faults->bpf->skeleton);
}

static int faults__open(struct shared *shared, struct collector **ret, const char **ret_reason)
{
	struct collector *faults = calloc(1, sizeof(*faults));
	int err;

	*ret_reason = "out of memory";
	if (!faults)
		return -ENOMEM;
	faults->shared = shared;
	err = faults__load(faults, ret_reason);
	if (!err)
		*ret = faults;
	else
		faults__close(faults);
	return err;
}

static int faults__start(struct collector *faults, const char **ret_reason)
{
	int err;

	if (bpf_program__autoload(faults->bpf->progs.fault_page_alloc)) {
		*ret_reason = "cannot attach the program that sees huge pages";
		faults->huge = bpf_program__attach(faults->bpf->progs.fault_page_alloc);
		if (!faults->huge)
			return -errno;
	}
	*ret_reason = "cannot open a counter of page faults";
	err = cpu_event__open(
		faults->bpf->progs.fault_major, PERF_COUNT_SW_PAGE_FAULTS_MAJ, 1, &faults->major);
	if (!err)
		err = cpu_event__open(faults->bpf->progs.fault_minor, PERF_COUNT_SW_PAGE_FAULTS_MIN,
			1, &faults->minor);
	if (err)
		faults__stop(faults);
	return err;
}

static int faults__drain(struct collector *faults, int parity, collector_sample_fn fn, void *arg)
{
	struct bpf_map *samples = parity ? faults->bpf->maps.faults_samples_1
					 : faults->bpf->maps.faults_samples_0;
	int err = drain__samples(bpf_map__fd(samples), fn, arg);

	return err ? err : drain__lost(bpf_map__fd(faults->bpf->maps.faults_lost), parity, fn, arg);
}

const struct collector_ops collector_faults = {
	.name = "faults",
	.open = faults__open,
	.start = faults__start,
	.stop = faults__stop,
	.drain = faults__drain,
	.close = faults__close,
};
